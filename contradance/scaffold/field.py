"""One field of a contract or a request, as it is asked for: `loan_id:uuid`, `email:str:pii`, `pages:int=320`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from contradance.errors import CannotCreate
from contradance.scaffold.expression import Import, quoted
from contradance.scaffold.naming import field_name, words

FORM: Final = "NAME:TYPE[:pii][=EXAMPLE]"
_UUID: Final = "6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"
_SHAPE: Final = re.compile(r"(?P<name>[^:=]+):(?P<type>[A-Za-z]\w*)(?P<pii>:pii)?(?:=(?P<example>.*))?")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a type's word stands for."""

    annotation: str
    type: Any
    imports: tuple[Import, ...]
    example: str
    """The text of a literal."""
    limits: str = ""
    """Arguments of `Field`, each ending with a comma."""


KINDS: Final = {
    "str": Kind("str", str, (), quoted("something"), "min_length=1, max_length=200, "),
    "int": Kind("int", int, (), "1"),
    "float": Kind("float", float, (), "0.5"),
    "bool": Kind("bool", bool, (), "True"),
    "uuid": Kind("UUID", UUID, (("uuid", "UUID"),), quoted(_UUID)),
    "datetime": Kind("AwareDatetime", AwareDatetime, (("pydantic", "AwareDatetime"),), quoted("2026-01-31T18:00:00Z")),
    "date": Kind("date", date, (("datetime", "date"),), quoted("2026-01-31")),
    "decimal": Kind("Decimal", Decimal, (("decimal", "Decimal"),), quoted("1.50")),
}
"""By the word that the command line takes."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field, and how it is written in a class."""

    name: str
    kind: Kind
    is_personal: bool = False

    @property
    def imports(self) -> tuple[Import, ...]:
        """What its line needs imported."""
        marked: tuple[Import, ...] = (("typing", "Annotated"), ("contradance", "PII")) if self.is_personal else ()
        return (*self.kind.imports, *marked, ("pydantic", "Field"))

    @property
    def line(self) -> str:
        """Its line in a class."""
        annotation = f"Annotated[{self.kind.annotation}, PII]" if self.is_personal else self.kind.annotation
        example = f", examples=[{self.kind.example}]" if self.kind.example else ""
        return f"    {self.name}: {annotation} = Field({self.kind.limits}description={quoted(self.meaning)}{example})"

    @property
    def meaning(self) -> str:
        """A first description: `The loan.`, `When it was lent.`."""
        if self.name == "id":
            return "What it is about."
        if self.name.endswith("_at"):
            return f"When it was {words(self.name[:-3])}."
        return f"The {words(self.name.removesuffix('_id'))}."

    @property
    def may_be_subject(self) -> bool:
        """Whether it can say what an event is about."""
        return not self.is_personal and self.kind.annotation in ("UUID", "str", "int")


DEFAULT: Final = Field("id", KINDS["uuid"])
"""What an event holds of which nothing is said."""


def fields(asked: Iterable[str], values: Sequence[Import] = ()) -> list[Field]:
    """Read fields as they are asked for; `values` are the project's own value types."""
    found = [_field(text, values) for text in asked]
    names = [field.name for field in found]
    for name in names:
        if names.count(name) > 1:
            raise CannotCreate(f"the field {name!r} is asked for twice.\n  Give each field its own name.")
    return found


def subject_of(found: Sequence[Field], asked: str | None) -> Field:
    """Return the field that says what an event is about: the one asked for, else the first that is an id."""
    able = [field for field in found if field.may_be_subject]
    if asked is not None:
        able = [field for field in able if field.name == asked]
    if not able:
        names = ", ".join(field.name for field in found)
        what = f"{asked!r} cannot be the event's subject" if asked else "no field can be the event's subject"
        raise CannotCreate(
            f"{what}: it is a field of type uuid, str or int that holds no personal data. Fields: {names}.\n"
            "  Add one like --field loan_id:uuid."
        )
    return next((field for field in able if field.name.endswith("id")), able[0])


def _field(text: str, values: Sequence[Import]) -> Field:
    parsed = _SHAPE.fullmatch(text)
    if parsed is None:
        raise CannotCreate(f"{text!r} is no field.\n  Write it as {FORM}, like loan_id:uuid or email:str:pii.")
    name, word, example = field_name(parsed["name"]), parsed["type"], parsed["example"]
    own = {value: (module, value) for module, value in values}
    if word in own:
        if example is not None:
            raise CannotCreate(f"{text!r} gives an example, but {word} has its own.\n  Leave the example out.")
        return Field(name, Kind(word, object, (own[word],), ""), parsed["pii"] is not None)
    kind = KINDS.get(word)
    if kind is None:
        known = ", ".join([*KINDS, *sorted(own)])
        raise CannotCreate(f"{text!r} has the type {word!r}.\n  Types: {known}.")
    if example is not None:
        kind = replace(kind, example=_example(text, kind, example))
    return Field(name, kind, parsed["pii"] is not None)


def _example(text: str, kind: Kind, example: str) -> str:
    """Return the literal of an example, if it is one of its type."""
    try:
        value = TypeAdapter(kind.type).validate_strings(example)
    except ValidationError as error:
        raise CannotCreate(f"{text!r} has an example that is not of its type: {error.errors()[0]['msg']}.") from error
    return repr(value) if kind.type in (int, float, bool) else quoted(example)
