"""Settings of the process that a handler may change, and that the laptop and the other handlers need as they were.

On Lambda such a change ends with the function's own process; here all functions share one.
"""

import gc
import logging
import resource
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

_LIMITS: Final = (
    resource.RLIMIT_AS,
    resource.RLIMIT_CPU,
    resource.RLIMIT_DATA,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
)
"""Limits of the operating system; each has a soft part, which any code may lower and raise again."""
_set_profile_of_all_threads: Final[Callable[[Any], None]] = (
    getattr(threading, "setprofile_all_threads", None) or threading.setprofile
)
"""Sets the profile function of running threads too, except before Python 3.12."""


class ProcessSettings:
    """The settings at its creation; `restore` sets those again that have become worse since.

    A setting that only became more generous stays: a handler that still runs may need it. So does a trace function: a debugger
    sets it that is attached to a running laptop.
    """

    def __init__(self) -> None:
        self._recursion = sys.getrecursionlimit()
        self._disabled = logging.root.manager.disable
        self._collected = gc.isenabled()
        self._switching = sys.getswitchinterval()
        self._stack = threading.stack_size()
        self._profile = threading.getprofile()
        self._limits = {limit: resource.getrlimit(limit)[0] for limit in _LIMITS}

    def restore(self) -> None:
        """Set again what became worse: limits, and what slows, silences or ends threads; else do nothing."""
        if sys.getrecursionlimit() < self._recursion:
            sys.setrecursionlimit(self._recursion)
        if logging.root.manager.disable > self._disabled:
            logging.disable(self._disabled)
        if self._collected and not gc.isenabled():
            gc.enable()
        if sys.getswitchinterval() > self._switching:
            sys.setswitchinterval(self._switching)
        if threading.stack_size() != self._stack:
            threading.stack_size(self._stack)
        if threading.getprofile() is not self._profile:
            _set_profile_of_all_threads(self._profile)
        for limit, before in self._limits.items():
            _restore_limit(limit, before)


def _restore_limit(limit: int, before: int) -> None:
    """Raise the soft part of a limit to `before`, or as far as the hard part allows; else do nothing."""
    soft, hard = resource.getrlimit(limit)
    if soft != before and _rank(soft) < _rank(before):
        resource.setrlimit(limit, (min(before, hard, key=_rank), hard))


def _rank(limit: int) -> float:
    """Return a limit as a number to compare: unlimited is the highest."""
    return float("inf") if limit == resource.RLIM_INFINITY else limit
