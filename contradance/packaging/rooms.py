"""The modules of contradance that run on Lambda: those of the runtime, those of the public API, and their imports."""

from pathlib import Path

import contradance
from contradance.packaging.modules import Modules

_PACKAGE = "contradance"
_HOME = Path(contradance.__file__).parent


def lambda_modules() -> dict[str, Path]:
    """Return the files of contradance's modules for Lambda, by dotted name."""
    runtime = [
        ".".join((_PACKAGE, *file.relative_to(_HOME).with_suffix("").parts)).removesuffix(".__init__")
        for file in (_HOME / "runtime").rglob("*.py")
    ]
    modules = Modules([str(_HOME.parent)])
    return modules.needed([_PACKAGE, *runtime], lambda top: top == _PACKAGE).modules
