"""Converts contradance's errors to Pulumi's."""

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from contradance.errors import ContradanceError


@contextmanager
def as_run_error() -> Iterator[None]:
    """Raise a `ContradanceError` inside as `pulumi.RunError`, which Pulumi prints without a traceback."""
    try:
        yield
    except ContradanceError as error:
        raise pulumi.RunError(str(error)) from error
