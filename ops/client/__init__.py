"""The command-line client and its Python client of `/v1`: for people, scripts and other programs."""
