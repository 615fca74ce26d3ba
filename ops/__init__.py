"""The product's own operation: settings, wiring, command line, metrics, health."""

__version__ = "0.1.0"
"""As in `pyproject.toml`: an installation from a working tree has no other place to read it from."""
