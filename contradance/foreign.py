"""Events of others: events without our envelope, which functions consume and never publish.

    class ObjectCreated(ForeignEvent, source="aws.s3", detail_type="Object Created", bus="default",
                        once_by=("bucket.name", "object.key", "object.sequencer"), subject="object.key"):
        \"\"\"S3 stored an object.\"\"\"

        bucket: Bucket
        object: S3Object

The fields are those of EventBridge's `detail`, as ordinary models. A model that exists already is a second base class:

    class ObjectCreated(ForeignEvent, S3EventNotificationEventBridgeDetailModel, source="aws.s3", ...): ...
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, ClassVar, Final, TypeGuard

from pydantic import BaseModel, ConfigDict
from pydantic.errors import PydanticUndefinedAnnotation

from contradance.annotation import full_name
from contradance.bounds import MAX_ID
from contradance.errors import InvalidContract
from contradance.fieldpath import Path, UnusableField, find_path, value_at
from contradance.identity import MAX_DETAIL_TYPE, Identity
from contradance.pii import MASK, is_marked
from contradance.unreadable import check_unions

DEFAULT_BUS: Final = "default"
"""The bus of every account and region. AWS services publish to no other bus."""
UNVERSIONED: Final = 0
"""The version in the identity of an event without our envelope."""
MAX_SOURCE: Final = 256
"""Longest source, in characters. EventBridge API reference, PutEventsRequestEntry."""
OWN_NAMES: Final = frozenset({"identity", "origin"})
"""Attributes of every class: no field has one of these names."""
_BUS: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_AWS: Final = "aws."
_PARTNER: Final = "aws.partner/"


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a foreign event, and the fields that identify it."""

    source: str
    """As declared; `*` at its end matches every source with this beginning."""
    bus: str | None
    """`default`, or a name that the stack's key `buses` resolves; None for the application's own bus."""
    once_by: tuple[Path, ...] = ()
    """Fields that identify the event; without them, EventBridge's id does."""
    subject: Path = ()
    correlation: Path = ()

    @property
    def source_pattern(self) -> str | dict[str, str]:
        """The source as an event pattern matches it."""
        return {"prefix": self.source[:-1]} if self.source.endswith("*") else self.source

    def has_source(self, source: object) -> bool:
        """Return whether an event with this source has this origin."""
        if self.source.endswith("*"):
            return str(source).startswith(self.source[:-1])
        return source == self.source

    def __str__(self) -> str:
        return "the application's bus" if self.bus is None else f"bus {self.bus!r}"


class ForeignEvent(BaseModel):
    """The base class of events that others publish: AWS services, partners, and teams without contradance.

    Keyword Args:
        source: the event's source, as its publisher has it; `*` at its end matches every source with this beginning.
        detail_type: the event's detail-type; the class name unless given.
        bus: the bus of the event: `"default"` for the account's own, or a name that the stack's key `buses` resolves to
            a name or an ARN; the application's bus unless given.
        once_by: names of the fields that identify the event, by their names in JSON: `("bucket.name", "object.key")`.
            Events that are equal in them, with the same source, detail-type, account and region, are one event.
            Without them EventBridge's id identifies it, which a replay may change.
        subject: name of the field that identifies the business entity; EventBridge's id unless given.
        correlation: name of the field that all events of one flow share; EventBridge's id unless given.
    """

    model_config = ConfigDict(
        frozen=True, hide_input_in_errors=True, serialize_by_alias=True, validate_by_alias=True, validate_by_name=True
    )
    identity: ClassVar[Identity]
    origin: ClassVar[Origin]
    __personal__: ClassVar[frozenset[str]] = frozenset()
    __declared__: ClassVar[tuple[str | Sequence[str], str, str]] = ((), "", "")

    def __init_subclass__(
        cls,
        *,
        source: str = "",
        detail_type: str | None = None,
        bus: str | None = None,
        once_by: str | Sequence[str] = (),
        subject: str = "",
        correlation: str = "",
        **kwargs: Any,
    ) -> None:
        """Set the identity and the origin; `__pydantic_init_subclass__` checks them when the fields are known."""
        super().__init_subclass__(**kwargs)
        cls.identity = Identity(source, cls.__name__ if detail_type is None else detail_type, UNVERSIONED)
        cls.origin = Origin(source, bus)
        cls.__declared__ = (once_by, subject, correlation)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse an identity, a bus or a field name that cannot work."""
        super().__pydantic_init_subclass__()
        _check_shape(cls)
        _check_identity(cls)
        cls.__personal__ = frozenset(name for name, field in cls.model_fields.items() if is_marked(field))
        if cls.__pydantic_complete__:
            _find_fields(cls)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Mask personal data in the `repr`."""
        for name, value in super().__repr_args__():
            yield name, MASK if name in self.__personal__ else value


def is_foreign(candidate: object) -> TypeGuard[type[ForeignEvent]]:
    """Whether `candidate` is a foreign event: a subclass of `ForeignEvent`, not `ForeignEvent` itself."""
    return isinstance(candidate, type) and issubclass(candidate, ForeignEvent) and candidate is not ForeignEvent


def complete(kind: type[ForeignEvent]) -> None:
    """Resolve annotations that name a later class, and find the fields of class keywords; or `InvalidContract`.

    Raises:
        InvalidContract: an annotation names a type that does not exist, or a keyword a field that does not.
    """
    if not kind.__pydantic_complete__:
        try:
            kind.model_rebuild()
        except PydanticUndefinedAnnotation as error:
            raise InvalidContract(
                f"{full_name(kind)} names a type that does not exist: {error.message}.\n"
                f"  Define or import it in {kind.__module__}, at module level."
            ) from error
        _find_fields(kind)


def id_at(event: Mapping[str, Any], path: Path) -> str:
    """Return the scalar at `path` in an event's detail as text; EventBridge's id when it cannot be an id."""
    found = value_at(event.get("detail"), path) if path else None
    text = "" if found is None else found if isinstance(found, str) else json.dumps(found)
    return text if 0 < len(text) <= MAX_ID else str(event.get("id"))


def once_id(kind: type[ForeignEvent], event: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return (EventBridge's id, or a digest of the `once_by=` fields; names of those of these that have no value).

    The id is EventBridge's own, or a digest of the identifying fields and of the event's place.
    """
    paths = kind.origin.once_by
    if not paths:
        return str(event.get("id")), ()
    values = [value_at(event.get("detail"), path) for path in paths]
    missing = tuple(".".join(path) for path, value in zip(paths, values, strict=True) if value is None)
    place = [event.get(name) for name in ("source", "detail-type", "account", "region")]
    text = json.dumps([*place, *values], separators=(",", ":"))
    return sha256(text.encode()).hexdigest(), missing


def _check_identity(kind: type[ForeignEvent]) -> None:
    """Raise `InvalidContract` for a source, detail-type or bus that no event has, or AWS's on the application's bus."""
    source, detail_type, _ = kind.identity
    if not source:
        raise InvalidContract(
            f"{full_name(kind)} is missing `source=`.\n"
            f"  Write class {kind.__name__}(ForeignEvent, source='aws.s3', detail_type='Object Created', bus='default')."
        )
    if not _is_text(source, MAX_SOURCE) or source == "*" or "*" in source[:-1]:
        raise InvalidContract(
            f"{full_name(kind)} has source {source!r}, which no event has: a source has 1 to {MAX_SOURCE} printable characters.\n"
            "  Copy it from an event; a '*' is allowed at the end, and matches every source with this beginning."
        )
    if not _is_text(detail_type, MAX_DETAIL_TYPE):
        raise InvalidContract(
            f"{full_name(kind)} has detail-type {detail_type!r}, which no event has: a detail-type has 1 to {MAX_DETAIL_TYPE} "
            "printable characters.\n  Copy it from an event, like 'Object Created'."
        )
    bus = kind.origin.bus
    if bus is not None and not _BUS.fullmatch(bus):
        raise InvalidContract(
            f"{full_name(kind)} is on bus {bus!r}, but a bus has a short name here: letters, digits, '_' and '-'.\n"
            "  Write bus='partner', and name the bus of each stack: pulumi config set --path 'buses.partner' NAME_OR_ARN"
        )
    if bus is None and source.startswith(_AWS) and not source.startswith(_PARTNER):
        raise InvalidContract(
            f"{full_name(kind)} has source {source!r} on the application's bus, but AWS services publish to the account's "
            "default bus only.\n  Write bus='default'."
        )


def _find_fields(kind: type[ForeignEvent]) -> None:
    """Set the paths of the fields that the class keywords name; raise `InvalidContract` if one, or a union, is unusable."""
    check_unions(kind, full_name(kind), InvalidContract)
    once_by, subject, correlation = kind.__declared__
    named = (once_by,) if isinstance(once_by, str) else tuple(once_by)
    kind.origin = replace(
        kind.origin,
        once_by=tuple(_field_path(kind, "once_by", name) for name in named),
        subject=_field_path(kind, "subject", subject) if subject else (),
        correlation=_field_path(kind, "correlation", correlation) if correlation else (),
    )


def _is_text(text: str, longest: int) -> bool:
    """Whether a text is printable, not empty and at most `longest` characters long."""
    return 0 < len(text) <= longest and text.isprintable()


def _check_shape(kind: type[ForeignEvent]) -> None:
    """Raise `InvalidContract` for a field with a reserved name, and for a class whose errors show values."""
    taken = sorted(OWN_NAMES & set(kind.model_fields))
    if taken:
        raise InvalidContract(
            f"{full_name(kind)} has a field {taken[0]!r}, a name that is reserved in every foreign event.\n"
            f"  Give it another name, and the name in JSON as its alias: {taken[0]}_: ... = Field(alias={taken[0]!r})."
        )
    if kind.model_config.get("hide_input_in_errors") is not True:
        raise InvalidContract(
            f"{full_name(kind)} shows values in its errors, because a base class sets hide_input_in_errors=False.\n"
            "  Write in it: model_config = ConfigDict(hide_input_in_errors=True)."
        )


def _field_path(kind: type[ForeignEvent], option: str, name: str) -> Path:
    """Return the path of a field that a class keyword names; raise `InvalidContract` if it cannot be used."""
    try:
        return find_path(kind, name, may_be_personal=option == "once_by")
    except UnusableField as error:
        problem, fix = error.args
        raise InvalidContract(f"{full_name(kind)} names {name!r} in {option}=, {problem}.\n  {fix}") from error
