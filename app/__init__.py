"""Self-hosted voice cloning: one package behind an HTTP API and a command line."""

__version__ = "0.1.0"
