"""How a refusal reaches whoever runs `pulumi up`: as its message."""

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from contradance.errors import ContradanceError


@contextmanager
def as_run_error() -> Iterator[None]:
    """Turn what contradance refuses into the one error that Pulumi prints without a traceback."""
    try:
        yield
    except ContradanceError as error:
        raise pulumi.RunError(str(error)) from error
