"""What a choreography leaves unfinished: found in the pure data, before anything runs."""
