"""A count with its noun, for messages."""


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: `1 event`, `2 events`, `2 deliveries`."""
    many = f"{noun[:-1]}ies" if noun.endswith(("ry", "ty")) else f"{noun}s"
    return f"{count:,} {noun if count == 1 else many}"
