"""Describes an exception for the journal: enough to find the fault, and no personal data."""

import traceback
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from contradance.violation import problems

_LONGEST: Final = 300


def describe_error(error: BaseException) -> str:
    """Return the type, the message and the line that raised it; what Pydantic refused is described without its value."""
    message = str(error)
    if isinstance(error, ValidationError):
        found = problems(error, names=_field_names(BaseModel))
        message = f"{error.title}: " + "; ".join(f"{path}: {problem}" if path else problem for path, problem in found)
    elif isinstance(error, PydanticSerializationError):
        message = "A model holds what its fields do not allow"
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({_short(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {message}"[:_LONGEST] + where


def format_frames(error: BaseException) -> str:
    """Return the lines of code that led to `error`, for a log; a traceback would print the values it holds."""
    return "".join(traceback.format_tb(error.__traceback__))


def _field_names(model: type[BaseModel]) -> set[str]:
    """Return every field name there is: another step of a path is a dictionary's key, which is data."""
    return {*model.model_fields}.union(*map(_field_names, model.__subclasses__()))


def _short(filename: str) -> str:
    """Return the last three parts of a path: what an author recognises, and no machine's folders."""
    return "/".join(filename.replace("\\", "/").strip("/").split("/")[-3:])
