"""Keeps what an author's code raises inside one attempt."""

import os
from types import TracebackType
from typing import Final, Self

from contradance.errors import Conflict, HandlerExited, LeaseHeld, is_readable

_OF_A_CHILD: Final = (
    b"error: a child process left the handler that forked it, and is ended; the handler goes on in its parent.\n"
    b"  End the child in the handler, with os._exit(0), or use multiprocessing or subprocess.\n"
)


class Contained:
    """A `with` block around an author's code: SystemExit, GeneratorExit and the like leave it as `HandlerExited`.

    Such exceptions pass `except Exception`: they would end a worker of the laptop or a process of Lambda, and the
    attempt would have no record. So does an exception whose own attributes raise when they are read or set, such as one of
    a frozen dataclass: `contextlib` sets them. And so do a conflict and a lease of the author's own: those of the runtime are
    not counted as attempts.

    A child process that leaves the block ends at once: the attempt is its parent's, and so are connections, leases and
    whatever waits for an answer.
    """

    def __enter__(self) -> Self:
        self._process = os.getpid()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if os.getpid() != self._process:
            os.write(2, _OF_A_CHILD)
            os._exit(1)
        if error is not None and not is_readable(error):
            unreadable = f"the handler raised {type.__repr__(type(error))}, whose attributes raise"
            raise HandlerExited(unreadable).with_traceback(traceback) from None
        if error is not None and (not isinstance(error, Exception) or isinstance(error, Conflict | LeaseHeld)):
            raise HandlerExited(f"the handler raised {type(error).__name__}, which ended its attempt") from error
        if error is not None and not _is_writable(error):
            raise HandlerExited(f"the handler raised {type(error).__name__}, whose attributes cannot be set") from error


def _is_writable(error: BaseException) -> bool:
    """Whether the traceback of an exception can be set, as each generator-based context manager does."""
    try:
        error.__traceback__ = error.__traceback__
    except BaseException:  # noqa: BLE001 - an author's class may raise anything
        return False
    return True


def raised_by(error: BaseException) -> BaseException:
    """Return the exception that an author's code raised: `error` itself, or the cause of a `HandlerExited`."""
    return error.__cause__ if isinstance(error, HandlerExited) and error.__cause__ is not None else error
