"""Puts the application of `contradance new --template` into the wheel: a build hook of hatch, which is configured in pyproject.toml.

An editable installation gets no copy of the application: it has the checkout.
"""

from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # type: ignore[import-not-found]  # it is where a wheel is built

PARTS: Final = (
    *("contracts", "functions", "tests/__init__.py", "tests/functions"),
    *("__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "pyproject.toml"),
)
"""Those of `contradance.scaffold.application`."""
PLACE: Final = "contradance/scaffold/application"


class ApplicationHook(BuildHookInterface):  # type: ignore[misc]  # the same
    """Adds files to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the parts of the application to the files of the wheel."""
        if version == "standard":
            build_data["force_include"].update({f"{self.root}/{part}": f"{PLACE}/{part}" for part in PARTS})
