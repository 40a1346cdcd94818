"""A bare Typer application, with as many groups and commands as another."""

from collections.abc import Mapping, Sequence
from typing import Final

_HEAD: Final = """from typing import Annotated
import typer
app = typer.Typer(help="Bare.", no_args_is_help=True, pretty_exceptions_enable=False)
"""
_GROUP: Final = """
{variable} = typer.Typer(help="A group of commands.", no_args_is_help=True)
app.add_typer({variable}, name={name!r})
"""
_COMMAND: Final = """
@{owner}.command({name!r})
def command(
    state: Annotated[str, typer.Option(help="A folder.")] = "",
    since: Annotated[int, typer.Option(help="A number.")] = 1,
) -> None:
    \"\"\"Do what {name} does.\"\"\"
"""


def bare_program(commands: Mapping[str, Sequence[str]]) -> str:
    """Return the program; `commands` gives the commands of each group, and those outside of groups under ''."""
    parts = [_HEAD]
    for group, names in commands.items():
        owner = f"group_{group}" if group else "app"
        if group:
            parts.append(_GROUP.format(variable=owner, name=group))
        parts += [_COMMAND.format(owner=owner, name=name) for name in names]
    return "".join([*parts, "\napp()\n"])
