"""The target of the packages: a Lambda runtime on an architecture."""

import sys
import warnings
from dataclasses import dataclass
from typing import Final

from contradance.errors import PackagingError

_GLIBC: Final = {
    "python3.11": "2_17",  # Amazon Linux 2 has 2.26; uv has no platform between 2.17 and 2.28
    "python3.12": "2_34",  # Amazon Linux 2023, like all later runtimes
    "python3.13": "2_34",
    "python3.14": "2_34",
}
"""The manylinux version of wheels for each of Lambda's runtimes."""
_MACHINE: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
_FALLBACK: Final = "python3.13"
OLDEST: Final = "3.11"
"""Oldest supported Python of a layer; the lock is valid for it and all later ones."""


@dataclass(frozen=True, slots=True)
class LambdaPlatform:
    """A Lambda runtime, such as python3.13, on an architecture, such as arm64.

    Raises:
        PackagingError: Lambda has no such runtime or architecture.
    """

    runtime: str
    architecture: str

    def __post_init__(self) -> None:
        """Refuse an unknown runtime or architecture."""
        for what, value, known in (("runtime", self.runtime, _GLIBC), ("architecture", self.architecture, _MACHINE)):
            if value not in known:
                raise PackagingError(
                    f"contradance cannot package for the {what} {value!r}.\n  Choose one of {', '.join(known)}."
                )

    @property
    def python(self) -> str:
        """The Python version of the runtime: `3.13`."""
        return self.runtime.removeprefix("python")

    @property
    def platform(self) -> str:
        """The platform of the wheels for the runtime, as uv names it: `aarch64-manylinux_2_34`."""
        return f"{_MACHINE[self.architecture]}-manylinux_{_GLIBC[self.runtime]}"

    @property
    def runs_own_bytecode(self) -> bool:
        """Whether the runtime can run the bytecode of this interpreter: CPython of the same version."""
        return sys.implementation.name == "cpython" and self.runtime == _own_runtime()


def default_runtime() -> str:
    """Return the Lambda runtime of this interpreter's version; warn, and return python3.13, if Lambda has none.

    Warns:
        UserWarning: Lambda has no such runtime; the result is another one, and functions start slower.
    """
    if _own_runtime() in _GLIBC:
        return _own_runtime()
    warnings.warn(
        f"Lambda has no runtime {_own_runtime()}, so the packages are for {_FALLBACK}. They have no bytecode, and functions "
        f"start slower. Build with Python {_FALLBACK.removeprefix('python')} to include bytecode.",
        stacklevel=2,
    )
    return _FALLBACK


def _own_runtime() -> str:
    """Return this interpreter's version as Lambda names runtimes, `python3.13`, also if Lambda does not have it."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"
