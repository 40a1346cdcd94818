"""Finds what a choreography leaves unfinished, from its declarations, before anything runs."""
