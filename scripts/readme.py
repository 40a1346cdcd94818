"""Write the generated parts of README.md and its picture, or with --check say whether they are as they should be."""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic.fields import FieldInfo

_ONE_PLACE = 4
"""Parts of a text split at one block of two groups."""
ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from contradance.catalog.picture import svg  # noqa: E402 - the project's root has to be importable first
from contradance.cli.app import app  # noqa: E402
from contradance.infra.config import StackConfig  # noqa: E402
from food_contracts.payments import PaymentFailed  # noqa: E402
from functions.choreography import food_delivery  # noqa: E402
from functions.payments.process_payment import process_payment  # noqa: E402


def function() -> str:
    """Return how a handler begins: all of it up to the first blank line, which its docstring holds."""
    head, _, _ = inspect.getsource(process_payment.handler).partition("\n\n")
    return f'```python\n{head}"""\n    ...\n```'


def contract() -> str:
    """Return a contract as it is written."""
    return f"```python\n{inspect.getsource(PaymentFailed)}```"


def commands() -> str:
    """Return every command and what its help says first."""
    rows = [f"| `contradance {usage}` | {text} |" for usage, text in _usages(typer.main.get_command(app), "")]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def configuration() -> str:
    """Return every key of a stack's configuration."""
    rows = [
        f"| `{field.alias}` | {_default(field)} | {field.description} |" for field in StackConfig.model_fields.values()
    ]
    return "\n".join(["| key | unless given | what it says |", "|---|---|---|", *rows])


def _default(field: FieldInfo) -> str:
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return str(field.default or "")


def _usages(command: Any, path: str) -> Iterator[tuple[str, str]]:
    for name, inner in command.commands.items():
        here = f"{path} {name}".strip()
        if hasattr(inner, "commands"):
            yield from _usages(inner, here)
        else:
            arguments = [parameter for parameter in inner.params if parameter.param_type_name == "argument"]
            words = [each.name.upper() if each.required else f"[{each.name.upper()}]" for each in arguments]
            yield " ".join([here, *words]), inner.help.partition("\n")[0]


def written(readme: str) -> str:
    """Return `readme` with its generated parts as they should be."""
    for make in (function, contract, commands, configuration):
        name = make.__name__
        parts = re.split(rf"(<!-- generated: {name} .*?-->\n).*?(<!-- end -->)", readme, flags=re.DOTALL)
        if len(parts) != _ONE_PLACE:
            sys.exit(f"README.md should have one place for its generated {name}.")
        before, start, end, after = parts
        readme = f"{before}{start}{make()}\n{end}{after}"
    return readme


if __name__ == "__main__":
    readme, picture = ROOT / "README.md", ROOT / "docs" / "choreography.svg"
    for path, text in ((readme, written(readme.read_text(encoding="utf-8"))), (picture, svg(food_delivery))):
        if "--check" not in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path.relative_to(ROOT)} is stale. Run: make fix")
