"""The laptop's HTTP server."""
