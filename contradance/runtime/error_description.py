"""Describes an exception for journal and logs: enough to find the fault, without personal data."""

import traceback
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from contradance.violation import problems

_LONGEST: Final = 300


def describe_error(error: BaseException) -> str:
    """Return an exception's type, message and line of origin; Pydantic's errors are described without the value."""
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
    """Return the code lines that led to `error`, without its message, which may hold data."""
    return "".join(traceback.format_tb(error.__traceback__))


def _field_names(model: type[BaseModel]) -> set[str]:
    """Return the field names of all models: any other step of an error's path is a dictionary's key, which is data."""
    return {*model.model_fields}.union(*map(_field_names, model.__subclasses__()))


def _short(filename: str) -> str:
    """Return the last three parts of a path, which do not name folders of the machine."""
    return "/".join(filename.replace("\\", "/").strip("/").split("/")[-3:])
