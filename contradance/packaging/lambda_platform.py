"""What the packages are for: a Lambda runtime on an architecture."""

import sys
import warnings
from dataclasses import dataclass
from typing import Final

from contradance.errors import PackagingError

_GLIBC: Final = {
    "python3.11": "2_17",  # Amazon Linux 2 has 2.26; uv knows no platform between this one and 2.28
    "python3.12": "2_34",  # Amazon Linux 2023, as all that follow
    "python3.13": "2_34",
    "python3.14": "2_34",
    "python3.15": "2_34",
}
"""The manylinux version of the wheels that each of Lambda's runtimes takes."""
_MACHINE: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
_FALLBACK: Final = "python3.13"
OLDEST: Final = "3.11"
"""Oldest Python that a layer can be for; the lock holds for it and for all that follow."""


@dataclass(frozen=True, slots=True)
class LambdaPlatform:
    """A Lambda runtime, such as python3.13, on an architecture, such as arm64.

    Raises:
        PackagingError: Lambda has no such runtime or architecture.
    """

    runtime: str
    architecture: str

    def __post_init__(self) -> None:
        """Refuse what wheels cannot be chosen for."""
        for what, value, known in (("runtime", self.runtime, _GLIBC), ("architecture", self.architecture, _MACHINE)):
            if value not in known:
                raise PackagingError(
                    f"there is no {what} {value!r} to package for.\n  Choose one of {', '.join(known)}."
                )

    @property
    def python(self) -> str:
        """Return its Python, like 3.13."""
        return self.runtime.removeprefix("python")

    @property
    def platform(self) -> str:
        """Return uv's name of the platform whose wheels it takes."""
        return f"{_MACHINE[self.architecture]}-manylinux_{_GLIBC[self.runtime]}"

    @property
    def is_builders(self) -> bool:
        """Whether this interpreter's bytecode is the runtime's, too."""
        return sys.implementation.name == "cpython" and self.runtime == _own_runtime()


def default_runtime() -> str:
    """Return the runtime of this interpreter's version, whose bytecode can then travel in the layer.

    Warns:
        UserWarning: Lambda has none, so it is another one, and functions start slower.
    """
    if _own_runtime() in _GLIBC:
        return _own_runtime()
    warnings.warn(
        f"Lambda has no runtime {_own_runtime()}: packaging for {_FALLBACK}, without the bytecode that would make "
        f"functions start faster. Build with Python {_FALLBACK.removeprefix('python')} to have it.",
        stacklevel=2,
    )
    return _FALLBACK


def _own_runtime() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}"
