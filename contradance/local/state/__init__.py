"""The laptop's state: one SQLite file, its tables, and the readers of its journal and archive."""
