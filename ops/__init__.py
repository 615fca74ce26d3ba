"""The product's own operation: settings, wiring, command line, metrics, health."""
