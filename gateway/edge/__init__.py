"""What every HTTP surface shares: limits, uploads, credentials, errors, the server itself."""
