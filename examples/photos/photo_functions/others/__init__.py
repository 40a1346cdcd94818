"""The events of others that functions consume."""
