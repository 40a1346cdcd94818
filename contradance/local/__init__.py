"""The laptop: the same choreography, entry point and rules as on AWS, over one SQLite file."""
