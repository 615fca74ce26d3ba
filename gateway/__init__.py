"""The exchange gateway: domain, services, edge and HTTP surfaces."""
