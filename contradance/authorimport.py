"""Imports an author's module; an error of its code is reported at the author's line."""

import re
import sys
import traceback
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from contradance.bounds import MAX_REASON_BYTES, shortened
from contradance.errors import ContradanceError, DeclarationError
from contradance.printable import printable

_INSTALLED: Final = ("site-packages", "dist-packages", ".venv")
"""Folders of code that is not the author's."""
_NO_NAME: Final = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
_MOST_FRAMES: Final = 20
"""Most frames of the author's code that an error shows: the last ones."""


def import_authors(module: str, root: Path, what: str) -> ModuleType:
    """Import and return a module of the project at `root`; raise `DeclarationError` that names `what` if it fails.

    Raises:
        DeclarationError: its code, or that of a module which it imports, fails.
    """
    try:
        return import_module(module)
    except (ContradanceError, KeyboardInterrupt):
        raise
    except SyntaxError as error:
        place = f"{_relative_path(error.filename or module, root)}, line {error.lineno}"
        raise DeclarationError(f"{place}: {error.msg}.\n  Correct it: loading {what} imports this file.") from error
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise DeclarationError(f"{what}: it cannot be loaded: {_exception_text(error)}.") from error
        raise _error_of_author(error, root, what) from error
    except BaseException as error:
        raise _error_of_author(error, root, what) from error


def _error_of_author(error: BaseException, root: Path, what: str) -> DeclarationError:
    """Return the error for an import that raised, first its last line in the project; without one, only `what`."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_author_file(frame.filename, root)]
    raised = shortened(
        printable(f"{type(error).__name__}: {_exception_text(error)}{_suggestion(error)}"), MAX_REASON_BYTES
    )
    if not frames:
        return DeclarationError(f"{what}: it cannot be loaded: {raised}.")
    *above, last = frames[-_MOST_FRAMES:]
    lines = [f"{_relative_path(last.filename, root)}, line {last.lineno}: {raised}", f"    {last.line}"]
    lines += [
        f"  {'imported' if frame.name == '<module>' else 'called'} by {_relative_path(frame.filename, root)}, line {frame.lineno}: {frame.line}"
        for frame in reversed(above)
    ]
    return DeclarationError("\n".join([*lines, f"  Correct it: loading {what} runs this code."]))


def _exception_text(error: BaseException) -> str:
    """Return an exception's text, or a replacement when its `__str__` raises."""
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - an author's __str__
        return "its text cannot be made"


def _suggestion(error: BaseException) -> str:
    """Return `. Did you mean x?` for a name that could not be imported and has a similar one; else an empty text."""
    wanted = _NO_NAME.match(str(error)) if isinstance(error, ImportError) else None
    module = sys.modules.get(wanted[2]) if wanted else None
    similar = get_close_matches(wanted[1], vars(module), n=1) if wanted and module else []
    return f". Did you mean {similar[0]}?" if similar else ""


def _is_author_file(filename: str, root: Path) -> bool:
    """Whether a file is below `root` and not in a folder of installed packages."""
    path, root = Path(filename).resolve(), root.resolve()
    return (
        not filename.startswith("<")
        and path.is_relative_to(root)
        and not {*_INSTALLED} & {*path.relative_to(root).parts}
    )


def _relative_path(filename: str, root: Path) -> str:
    """Return the path of a file relative to the project's root; the whole path of a file outside."""
    path, root = Path(filename).resolve(), root.resolve()
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
