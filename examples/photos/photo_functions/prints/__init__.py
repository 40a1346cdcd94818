"""The prints service."""
