"""Write docs/reference/contract-types.md from the table of kinds, or with --check report whether it is as it should be."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic.errors import PydanticSchemaGenerationError
from reference import table_cell

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from contradance.envelope import seal_initial  # noqa: E402 - the project's root has to be importable first
from contradance.errors import ContractViolation, DeclarationError  # noqa: E402
from tests.wire.contracts import contract_of, event_of  # noqa: E402
from tests.wire.kinds import GROUPS, Kind  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "contract-types.md"
HEAD = """# What a contract may hold

What a handler builds is what arrives. An event's data becomes JSON by Pydantic's serializer, under the names of aliases
and without computed fields, and a consumer reads that JSON back. `contradance` proves this for each event that is
published: the JSON reads back equal to what the handler built, or the handler gets a `ContractViolation` with the field,
both types and the fix. A type that can never be read back is refused when its class is made.

*Equal* means the same class and equal fields, recursively. An author's `__eq__` on a model, private attributes and cached
properties do not count. A tuple equals a list where the annotation allows both, an int equals a float in a field of
floats, aware datetimes compare as instants, NaN equals NaN, and classes without `__eq__` compare by their JSON.

- **Aliases.** `Field(alias="loanId")` or `alias_generator=to_camel` names a field on the wire: in the JSON, its schema,
  `where=`, forms and pages. Python uses the field's own name too. An alias must be the same in both directions. Type
  checkers take `Field(alias=...)` as the argument's name; an `alias_generator` leaves them the field's own.
- **Computed fields** are not data: both sides compute them. An HTTP route's answer holds them, since its client cannot.
- **Validators** run again where JSON is read, so they must keep the JSON of what they have returned.
- **Unions** of models need a field that tells the members apart when unknown fields are ignored: a `Literal` with
  `Field(discriminator=...)`, or a required field of each.
- **Tables** use the same rules, and take any Pydantic model: what `get` returns is what was `put`.

The tables below are generated from `tests/wire/kinds.py`, which runs each kind through publish, delivery, dead letter,
redrive, replay, sample, frozen schema, `events_of`, table and route. A dash means that no value of the kind is refused.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *(line for title, kinds in GROUPS.items() for line in _group(title, kinds))])


def _group(title: str, kinds: tuple[Kind, ...]) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| field | contract | table | what publishing refuses |"
    yield "|---|---|---|---|"
    for kind in kinds:
        in_a_table = kind.refused if kind.table is None else kind.table
        cells = (f"`{kind.name.replace('`', '')}`", _verdict(kind), "no" if in_a_table else "yes", _lost(kind))
        yield f"| {' | '.join(map(table_cell, cells))} |"
    yield ""


def _verdict(kind: Kind) -> str:
    if not kind.refused:
        return "yes"
    try:
        contract_of(kind)
    except DeclarationError as error:
        return f"no. {str(error).splitlines()[-1].strip()}"
    except PydanticSchemaGenerationError:
        return "no. Pydantic has no schema for it."
    raise AssertionError(f"{kind.name} is not refused")


def _lost(kind: Kind) -> str:
    """Return the note on a kind, or how publishing refuses its values that do not arrive equal."""
    found = dict.fromkeys(_refusal(kind, value) for value in kind.lost)
    return kind.note or "; ".join(found) or "-"


def _refusal(kind: Kind, value: object) -> str:
    try:
        seal_initial(event_of(kind, value), publisher="kinds.page", occurred_at=datetime(2026, 3, 1, tzinfo=UTC))
    except ContractViolation as error:
        _, _, problem = str(error).splitlines()[1].partition(": ")
        return (
            f"a value that {problem}" if problem.startswith(("is ", "has ")) else "a value of which its JSON is refused"
        )
    raise AssertionError(f"{kind.name} is not refused at publish")


def main() -> None:
    """Write the page, or check it."""
    text = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            sys.exit(f"{PAGE.relative_to(ROOT)} is not what the table of kinds makes of it.\n  Run: make fix")
        return
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
