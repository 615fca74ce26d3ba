"""The machine API `/v1`: REST and JSON, described by its own route table."""
