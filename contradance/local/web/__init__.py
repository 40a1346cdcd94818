"""The laptop's HTTP server and its client."""
