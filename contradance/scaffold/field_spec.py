"""Fields of a contract or a request, as the command line takes them: `loan_id:uuid`, `email:str:pii`, `pages:int=320`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AwareDatetime, Field, FiniteFloat, TypeAdapter, ValidationError

from contradance.errors import CannotCreate
from contradance.scaffold.expression import Import, quoted
from contradance.scaffold.naming import field_name, words

FORM: Final = "NAME:TYPE[:pii][=EXAMPLE]"
_UUID: Final = "6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11"
_SHAPE: Final = re.compile(r"(?P<name>[^:=]+):(?P<type>[A-Za-z]\w*)(?P<pii>:pii)?(?:=(?P<example>.*))?")


@dataclass(frozen=True, slots=True)
class FieldType:
    """A type that a field may have."""

    annotation: str
    type: Any
    """What an example has to fit, limits included."""
    imports: tuple[Import, ...]
    example: str
    """Source of an example value."""
    limits: str = ""
    """Source of more arguments of `Field`, each followed by a comma."""


FIELD_TYPES: Final = {
    "str": FieldType(
        "str",
        Annotated[str, Field(min_length=1, max_length=200)],
        (),
        quoted("something"),
        "min_length=1, max_length=200, ",
    ),
    "int": FieldType("int", int, (), "1"),
    "float": FieldType("float", FiniteFloat, (), "0.5"),
    "bool": FieldType("bool", bool, (), "True"),
    "uuid": FieldType("UUID", UUID, (("uuid", "UUID"),), quoted(_UUID)),
    "datetime": FieldType(
        "AwareDatetime", AwareDatetime, (("pydantic", "AwareDatetime"),), quoted("2026-01-31T18:00:00Z")
    ),
    "date": FieldType("date", date, (("datetime", "date"),), quoted("2026-01-31")),
    "decimal": FieldType("Decimal", Decimal, (("decimal", "Decimal"),), quoted("1.50")),
}
"""By name on the command line."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field, and its source in a class."""

    name: str
    type: FieldType
    is_personal: bool = False

    @property
    def imports(self) -> tuple[Import, ...]:
        """The (module, name) pairs that its line imports."""
        pii: tuple[Import, ...] = (("typing", "Annotated"), ("contradance", "PII")) if self.is_personal else ()
        return (*self.type.imports, *pii, ("pydantic", "Field"))

    @property
    def line(self) -> str:
        """Its line of source in the class."""
        annotation = f"Annotated[{self.type.annotation}, PII]" if self.is_personal else self.type.annotation
        example = f", examples=[{self.type.example}]" if self.type.example else ""
        return (
            f"    {self.name}: {annotation} = Field({self.type.limits}description={quoted(self.description)}{example})"
        )

    @property
    def description(self) -> str:
        """A first description: `The loan.`, `When it was lent.`."""
        if self.name == "id":
            return "What the event is about."
        if self.name.endswith("_at"):
            return f"When it was {words(self.name[:-3])}."
        return f"The {words(self.name.removesuffix('_id'))}."

    @property
    def may_be_subject(self) -> bool:
        """Whether it can identify the entity of an event: a UUID, str or int that is not personal data."""
        return not self.is_personal and self.type.annotation in ("UUID", "str", "int")

    @property
    def subject_rank(self) -> int | None:
        """A rank by how likely it identifies the entity, 0 most; None for an int that is not called an id."""
        if self.name == "id" or self.name.endswith("_id"):
            return 0
        return {"UUID": 1, "str": 2}.get(self.type.annotation)


DEFAULT: Final = FieldSpec("id", FIELD_TYPES["uuid"])
"""The only field of an event that is created without fields."""


def parse_fields(texts: Iterable[str], value_types: Sequence[Import] = ()) -> list[FieldSpec]:
    """Parse fields like `loan_id:uuid`; raise `CannotCreate` for a wrong form or type, or a name given twice."""
    found = [_parse_field(text, value_types) for text in texts]
    names = [field.name for field in found]
    for name in names:
        if names.count(name) > 1:
            raise CannotCreate(f"the field {name!r} is given twice.\n  Give each field its own name.")
    return found


def choose_subject(fields: Sequence[FieldSpec], name: str | None) -> FieldSpec:
    """Return the field that identifies an event's entity: the named one, else an id, UUID or text, or `CannotCreate`.

    An int is not chosen unless it is named, since it may be a count.
    """
    possible = [field for field in fields if field.may_be_subject]
    chosen = [field for field in possible if field.name == name or (name is None and field.subject_rank is not None)]
    if not chosen:
        names = ", ".join(field.name for field in fields)
        what = f"{name!r} cannot be the event's subject" if name else "no field can be the event's subject"
        raise CannotCreate(
            f"{what}: a subject has the type uuid, str or int and is not personal data. Fields: {names}.\n  "
            + (f"Add --subject {possible[0].name}, or" if possible and name is None else "Add")
            + " an id like --field loan_id:uuid."
        )
    return min(chosen, key=lambda field: field.subject_rank or 0)


def _parse_field(text: str, value_types: Sequence[Import]) -> FieldSpec:
    """Parse `NAME:TYPE[:pii][=EXAMPLE]`; raise `CannotCreate` for another form or type, or an example that is wrong."""
    parsed = _SHAPE.fullmatch(text)
    if parsed is None:
        raise CannotCreate(f"{text!r} is not a field.\n  Write it as {FORM}, like loan_id:uuid or email:str:pii.")
    name, type_name, example = field_name(parsed["name"]), parsed["type"], parsed["example"]
    own = {value: (module, value) for module, value in value_types}
    if type_name in own:
        if example is not None:
            raise CannotCreate(f"{text!r} gives an example, but {type_name} has its own.\n  Leave the example out.")
        return FieldSpec(name, FieldType(type_name, object, (own[type_name],), ""), parsed["pii"] is not None)
    field_type = FIELD_TYPES.get(type_name)
    if field_type is None:
        known = ", ".join([*FIELD_TYPES, *sorted(own)])
        raise CannotCreate(f"{text!r} has the unknown type {type_name!r}.\n  Types: {known}.")
    if example is not None:
        field_type = replace(field_type, example=_example_source(text, field_type, example))
    return FieldSpec(name, field_type, parsed["pii"] is not None)


def _example_source(text: str, field_type: FieldType, example: str) -> str:
    """Return the source of an example; raise `CannotCreate` if it does not fit the type or its limits."""
    try:
        value = TypeAdapter(field_type.type).validate_strings(example)
    except ValidationError as error:
        raise CannotCreate(
            f"{text!r} has an example that does not fit its type: {error.errors()[0]['msg']}."
        ) from error
    return repr(value) if isinstance(value, int | float) else quoted(example)
