"""Keeps what an author's code raises inside one attempt."""

from types import TracebackType
from typing import Self

from contradance.errors import HandlerExited


class Contained:
    """A `with` block around an author's code: SystemExit, GeneratorExit and the like leave it as `HandlerExited`.

    Such exceptions pass `except Exception`: they would end a worker of the laptop or a process of Lambda, and the
    attempt would have no record.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            raise HandlerExited(f"the handler raised {type(error).__name__}, which ended its attempt") from error


def raised_by(error: BaseException) -> BaseException:
    """Return the exception that an author's code raised: `error` itself, or the cause of a `HandlerExited`."""
    return error.__cause__ if isinstance(error, HandlerExited) and error.__cause__ is not None else error
