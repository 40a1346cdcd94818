"""A fuzzer over the laptop's borders: what anyone may send to it or find in its file, and one oracle over its answers."""
