from contradance.errors import InvalidPattern


def invalid(reason: str, path: str = "") -> InvalidPattern:
    """Make the error for the part of a pattern at `path`, in AWS's words."""
    where = f" (at {path})" if path else ""
    return InvalidPattern(f"Event pattern is not valid. Reason: {reason}{where}")
