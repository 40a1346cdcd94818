"""The option `--set NAME=VALUE`: values of settings."""

from collections.abc import Mapping, Sequence

import typer

from contradance.choreography import Choreography
from contradance.errors import DeclarationError
from contradance.settings import Setting


def setting_variables(choreography: Choreography, sets: Sequence[str]) -> Mapping[str, str]:
    """Return environment variables for texts like `NAME=VALUE`; raise `BadParameter` for a wrong name or value."""
    known = {
        use.name: use
        for function in choreography.functions.values()
        for use in function.uses
        if isinstance(use, Setting)
    }
    variables = {}
    for assignment in sets:
        name, equals, value = assignment.partition("=")
        if not equals or name not in known:
            names = ", ".join(f"{name}={setting.default}" for name, setting in sorted(known.items())) or "none"
            raise typer.BadParameter(f"{assignment!r} does not set a setting. Settings: {names}.", param_hint="--set")
        try:
            known[name].parse(value)
        except DeclarationError as error:
            wrong, _, _ = str(error).partition("\n")
            raise typer.BadParameter(wrong, param_hint="--set") from error
        variables[known[name].variable] = value
    return variables
