"""Verifying and making signatures; usable alone, imports nothing of the gateway."""
