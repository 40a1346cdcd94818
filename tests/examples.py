"""How many examples a property tries."""

from hypothesis import settings


def examples(count: int) -> settings:
    """Return settings for `count` examples; while exploring, for as many as the profile says."""
    return settings() if settings().database is not None else settings(max_examples=count)
