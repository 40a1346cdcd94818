"""Write the generated parts of the README and of docs/, and the picture; with --check, fail when one is stale."""

import ast
import inspect
import re
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cost
import reference

_ONE_PLACE = 4
"""Number of parts of a text that is split at one block of two groups."""
ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from contradance.catalog.picture import svg  # noqa: E402 - the project's root has to be importable first
from food_contracts.payments import PaymentFailed  # noqa: E402
from functions.choreography import food_delivery  # noqa: E402
from functions.payments.process_payment import process_payment  # noqa: E402


def function() -> str:
    """Return the beginning of a handler, up to the first blank line, which is in its docstring."""
    head, _, _ = inspect.getsource(process_payment.handler).partition("\n\n")
    return f'```python\n{head}"""\n    ...\n```'


def contract() -> str:
    """Return the source of a contract."""
    return f"```python\n{inspect.getsource(PaymentFailed)}```"


def rooms_picture() -> str:
    """Return the layers of import-linter as a numbered list, the outermost first."""
    return "\n".join(f"{number}. `{'` `'.join(layer)}`" for number, layer in enumerate(_layers(), 1))


def rooms_table() -> str:
    """Return a table of the rooms, from the outermost layer inwards, with the first line of their docstrings."""
    rows = [f"| `{room}` | {_first_line(ROOT / 'contradance' / room)} |" for layer in _layers() for room in layer]
    return "\n".join(["| room | what it is |", "|---|---|", *rows])


def _layers() -> Sequence[list[str]]:
    """Return the rooms of each layer, outermost first; parentheses mark an optional layer."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(one["layers"] for one in project["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    return [re.findall(r"\w+", layer) for layer in layers]


def _first_line(room: Path) -> str:
    source = room / "__init__.py" if room.is_dir() else room.with_suffix(".py")
    return (ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").partition("\n")[0]


PARTS: Mapping[str, Sequence[Callable[[], str]]] = {
    "README.md": (function,),
    "docs/index.md": (function,),
    "docs/explanation/cost.md": (cost.orders, cost.units),
    "docs/explanation/how-it-reads.md": (function, contract),
    "docs/maintain/architecture.md": (rooms_picture, rooms_table),
    "docs/reference/alarms.md": (reference.alarms,),
    "docs/reference/commands.md": (reference.commands,),
    "docs/reference/configuration.md": (reference.configuration,),
    "docs/reference/dead-letter.md": (reference.dead_letter,),
    "docs/reference/envelope.md": (reference.envelope,),
    "docs/reference/environment.md": (reference.variables,),
    "docs/reference/errors.md": (reference.error_messages,),
    "docs/reference/journal.md": (reference.journal_record,),
    "docs/reference/limits.md": (reference.limits,),
    "docs/reference/metrics.md": (reference.metrics,),
}
"""The functions that make the generated parts of each page."""


def generated(name: str) -> str:
    """Return a page with its generated parts made again."""
    page = (ROOT / name).read_text(encoding="utf-8")
    for make in PARTS[name]:
        mark = rf"(<!-- generated: {make.__name__} .*?-->\n).*?(<!-- end -->)"
        parts = re.split(mark, page, flags=re.DOTALL)
        if len(parts) != _ONE_PLACE:
            sys.exit(f"{name} should have one place for its generated {make.__name__}.")
        before, start, end, after = parts
        page = f"{before}{start}{make()}\n{end}{after}"
    return page


if __name__ == "__main__":
    pages = {name: generated(name) for name in PARTS}
    for name, text in {**pages, "docs/choreography.svg": svg(food_delivery)}.items():
        path = ROOT / name
        if "--check" not in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{name} is stale. Run: make fix")
