"""How the journal tells an exception: enough to find the fault, and no personal data."""

import traceback
from typing import Final

from pydantic import ValidationError

from contradance.violation import problems

_LONGEST: Final = 300


def told(error: BaseException) -> str:
    """Return the type, the message and the line that raised it; what Pydantic refused is told without its value."""
    message = str(error)
    if isinstance(error, ValidationError):
        message = f"{error.title}: " + "; ".join(f"{path}: {problem}" for path, problem in problems(error))
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({_short(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {message}"[:_LONGEST] + where


def _short(filename: str) -> str:
    """Return the last three parts of a path: what an author recognises, and no machine's folders."""
    return "/".join(filename.replace("\\", "/").split("/")[-3:])
