"""Lists contracts: all of them in a few lines each, or one with all its fields."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contradance.annotation import models_in, type_name
from contradance.catalog.deprecations import deprecations
from contradance.choreography import Choreography, Relied
from contradance.contract import Contract, where_defined
from contradance.gate import differences, readers
from contradance.pii import is_marked
from contradance.registry import Registry
from contradance.schemas import Promises
from contradance.wire import wire_fields

FreezeState = Literal["frozen", "not frozen", "changed", "broken", "not ours", "of others"]
"""State of a contract compared with its frozen schema; `not ours`: another application freezes it; `of others`: it is not a
contract, but an event of others that functions rely on."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One contract in a list."""

    contract: str
    summary: str
    state: FreezeState
    publishers: tuple[str, ...]
    consumers: tuple[str, ...]
    deprecated: str
    """The functions that still use it when a newer version exists; else empty."""
    origin: str = ""
    """The bus of an event of others; else empty."""

    def as_json(self) -> dict[str, object]:
        """Return the contract's row as JSON values by name."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.contract}  ({self.state})", f"  {self.summary}"]
        lines += [f"  published by {', '.join(self.publishers)}"] if self.publishers else []
        lines += [f"  consumed by  {', '.join(self.consumers)}"] if self.consumers else []
        lines += [f"  from         {self.origin}"] if self.origin else []
        lines += [f"  deprecated: {self.deprecated}"] if self.deprecated else []
        return "\n".join(lines)


def list_contracts(checked: Choreography | Registry, promises: Promises) -> list[Listed]:
    """Return every contract of a registry, with its publishers, consumers and frozen state; then the events of others."""
    choreography = checked if isinstance(checked, Choreography) else None
    registry = checked if isinstance(checked, Registry) else checked.contracts
    changed: dict[object, FreezeState] = {}
    for difference in differences(checked, promises):
        if changed.get(difference.identity) != "broken":
            changed[difference.identity] = "broken" if difference.change.breaks else "changed"
    old = {one.contract: str(one) for one in deprecations(checked)}

    def state(contract: type[Contract]) -> FreezeState:
        """Return a contract's state compared with its frozen schema; `broken` when any change breaks."""
        if contract.identity.app != registry.name:
            return "not ours"
        return changed.get(contract.identity, "frozen") if contract.identity in promises else "not frozen"

    return [
        Listed(
            str(contract.identity),
            _first_line(contract),
            state(contract),
            tuple(function.name for function in choreography.publishers(contract)) if choreography else (),
            readers(choreography, contract.identity),
            old.get(contract, ""),
        )
        for contract in registry
    ] + [
        Listed(str(one.identity), one.summary, "of others", (), one.consumers, "", one.places)
        for one in (choreography.foreign if choreography else ())
    ]


def describe_contract(contract: type[Contract]) -> Iterator[str]:
    """Yield the lines that describe a contract: its summary, its marks, and each field with type and meaning."""
    marks = [f"subject {contract.subject_field}"]
    marks += [f"upcasts v{contract.upcasts.identity.version}"] if contract.upcasts else []
    marks += [f"also published as v{one.identity.version}" for one in contract.renderings()[1:]]
    marks += ["a failure"] if contract.failure else []
    yield f"{contract.identity}  {_first_line(contract)}"
    yield f"  {', '.join(marks)}; contract in {where_defined(contract)}"
    yield from _table([*_field_rows(contract, 1, ())])


def describe_foreign(one: Relied) -> Iterator[str]:
    """Yield the lines that describe an event of others, once for each of its classes: its origin and its fields."""
    for model in one.models:
        origin = model.origin
        marks = [f"from {origin}", *(f"once by {'.'.join(path)}" for path in origin.once_by)]
        marks += [f"subject {'.'.join(origin.subject)}"] if origin.subject else []
        marks += [f"correlation {'.'.join(origin.correlation)}"] if origin.correlation else []
        yield f"{one.identity}  {one.summary}"
        yield f"  {', '.join(marks)}; class in {where_defined(model)}"
        yield from _table([*_field_rows(model, 1, ())])


def as_json_value(one: type[Contract] | Relied) -> dict[str, object]:
    """Return a contract, or an event of others by its first class, for JSON: identity, summary, class and fields."""
    model = one.models[0] if isinstance(one, Relied) else one
    fields = [
        {
            "name": name,
            "type": type_name(_without_metadata(field)),
            "required": field.is_required(),
            "personal": is_marked(field),
            "description": field.description or "",
        }
        for name, (_, field) in wire_fields(model).items()
    ]
    summary = one.summary if isinstance(one, Relied) else _first_line(one)
    return {"contract": str(one.identity), "summary": summary, "class": where_defined(model), "fields": fields}


def _table(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """Yield rows of three columns as lines, aligned."""
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for name, kind, meaning in rows:
        yield f"  {name:{widths[0]}}  {kind:{widths[1]}}  {meaning}".rstrip()


def _field_rows(model: type[BaseModel], depth: int, seen: tuple[type, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield (indented name, type, description) of each field on the wire, and after it those of models in it."""
    for name, (_, field) in wire_fields(model).items():
        yield "  " * (depth - 1) + name, type_name(_without_metadata(field)), _describe_field(field)
        for inner in models_in(field.annotation):
            if issubclass(inner, BaseModel) and inner not in seen:
                yield from _field_rows(inner, depth + 1, (*seen, inner))


def _without_metadata(field: FieldInfo) -> Any:
    """Return the type of a field without its `Annotated` metadata."""
    annotation = field.annotation
    return getattr(annotation, "__origin__", annotation) if hasattr(annotation, "__metadata__") else annotation


def _describe_field(field: FieldInfo) -> str:
    """Return a field's marks, such as `[optional, personal]`, and its description."""
    marks = ["" if field.is_required() else "optional", "personal" if is_marked(field) else ""]
    parts = [f"[{', '.join(filter(None, marks))}]" if any(marks) else "", field.description or ""]
    return " ".join(filter(None, parts))


def _first_line(contract: type[Contract]) -> str:
    """Return the first line of a contract's docstring; an empty text without one."""
    return (contract.__doc__ or "").strip().partition("\n")[0]
