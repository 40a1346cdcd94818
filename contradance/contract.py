"""What a contract is: a frozen Pydantic model with an identity.

    class BookLent(Contract, source="library.loans", subject="loan_id"):
        \"\"\"A reader borrowed a book.\"\"\"

        loan_id: UUID = Field(description="The loan.", examples=["1d0f..."])

A breaking change is a new class that upcasts the old one:

    class BookLentV2(Contract, source="library.loans", detail_type="BookLent", version=2,
                        upcasts=BookLent, subject="loan_id"):
        @classmethod
        def upcast(cls, old: BookLent) -> "BookLentV2": ...

While subscribers of the old one are left, the new one may say how to be read by them: with a `downcast`, it is published
in both versions, as one event.

        def downcast(self) -> BookLent: ...
"""

from collections.abc import Iterator
from types import FunctionType
from typing import Any, ClassVar, Final, Self, TypeGuard
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contradance.annotation import members, type_name
from contradance.errors import InvalidContract
from contradance.identity import Identity, check_identity
from contradance.pii import MASK, is_marked
from contradance.unreadable import check_fields

_OWN_NAMES: Final = frozenset(
    {"downcast", "failure", "identity", "lineage", "renderings", "subject", "subject_field", "upcast", "upcasts"}
)
_SETTLED: Final[ConfigDict] = {
    "allow_inf_nan": False,
    "extra": "forbid",
    "frozen": True,
    "hide_input_in_errors": True,
    "revalidate_instances": "always",
    "serialize_by_alias": True,
    "validate_by_alias": True,
    "validate_by_name": True,
}
"""An alias is the field's name on the wire; Python uses the field's own name."""


class Value(BaseModel):
    """A model that may stand inside a contract: frozen, closed when published, and silent about what it holds.

    Unknown fields are refused when a value is built, and ignored, at every depth, when an event is consumed.
    """

    model_config = ConfigDict(**_SETTLED)
    __personal__: ClassVar[frozenset[str]] = frozenset()
    __checked__: ClassVar[bool] = False  # by `check_value`

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show personal data to nobody who prints a value."""
        for name, value in super().__repr_args__():
            yield name, MASK if name in self.__personal__ else value

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a subclass that turns one of the settled settings off, or a field that does not travel as it is."""
        super().__pydantic_init_subclass__(**kwargs)
        for setting, settled in _SETTLED.items():
            if cls.model_config.get(setting) != settled:
                raise InvalidContract(
                    f"{cls.__qualname__} sets {setting}={cls.model_config.get(setting)!r}, but every value and contract "
                    f"has {setting}={settled!r}.\n  Remove the setting from its model_config."
                )
        cls.__personal__ = frozenset(name for name, field in cls.model_fields.items() if is_marked(field))
        cls.__checked__ = False
        if cls.__pydantic_complete__:
            check_value(cls)


def check_value(model: type[Value]) -> None:
    """Refuse a complete value or contract that holds what cannot be read back; each class is looked at once."""
    if not model.__checked__:
        model.__checked__ = True
        check_fields(model, model.__qualname__, InvalidContract)


class Contract(Value):
    """An event that may be published: its fields are `data`, its identity is how EventBridge routes it.

    Class keywords:
        source: `<app>.<service>`, the publishing service; never starts with `aws.`.
        subject: name of the field that identifies the business entity; it travels in the metadata.
        detail_type: the event's name in the past tense, at most 128 characters; the class name unless given.
        version: a small integer, 1 unless given.
        upcasts: the contract of an earlier version, which `upcast` turns into this one.
        failure: True where the event says that something was refused or undone; the picture shows it apart.
    """

    identity: ClassVar[Identity]
    subject_field: ClassVar[str]
    upcasts: ClassVar[type["Contract"] | None]
    failure: ClassVar[bool]

    def __init_subclass__(
        cls,
        *,
        source: str = "",
        subject: str = "",
        detail_type: str | None = None,
        version: int = 1,
        upcasts: type["Contract"] | None = None,
        failure: bool = False,
        **kwargs: Any,
    ) -> None:
        """Settle the identity; all of it is checked once Pydantic has read the fields.

        A type checker asks Pydantic's metaclass about class keywords, so that one without `source` is refused here alone.
        """
        super().__init_subclass__(**kwargs)
        cls.identity = Identity(source, cls.__name__ if detail_type is None else detail_type, version)
        cls.subject_field = subject
        cls.upcasts = upcasts
        cls.failure = failure

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse an identity, a subject or an upcast that cannot work."""
        super().__pydantic_init_subclass__()
        _check_shape(cls)
        check_identity(cls.identity, _name(cls))
        _check_subject(cls)
        if cls.upcasts is not None:
            _check_upcast(cls, cls.upcasts)
        if _downcasts(cls):
            _check_downcast(cls)

    @classmethod
    def upcast(cls, old: Any) -> Self:
        """Turn an event of the contract that `upcasts` names into this one; a version above 1 defines it."""
        raise NotImplementedError(f"{cls.identity} upcasts nothing, so it cannot upcast {type(old).__name__}")

    def downcast(self) -> Any:
        """Return this event as one of the contract that `upcasts` names; a version that defines it is published as both."""
        raise NotImplementedError(f"{self.identity} says no downcast, so it is published as it is alone")

    @property
    def subject(self) -> str:
        """The value of the subject field, as text."""
        return str(getattr(self, self.subject_field))

    @classmethod
    def lineage(cls) -> tuple[type["Contract"], ...]:
        """Return this contract and the ones it upcasts, newest first."""
        return (cls, *(cls.upcasts.lineage() if cls.upcasts else ()))

    @classmethod
    def renderings(cls) -> tuple[type["Contract"], ...]:
        """Return this contract and the earlier ones that its events are published as too, newest first."""
        return (cls, *(cls.upcasts.renderings() if cls.upcasts and _downcasts(cls) else ()))


def is_contract(candidate: object) -> TypeGuard[type[Contract]]:
    """Whether `candidate` is a class of events, and not the base of them all."""
    return isinstance(candidate, type) and issubclass(candidate, Contract) and candidate is not Contract


def where_defined(contract: type[Contract]) -> str:
    """Return the file that defines `contract`, as an author would look for it: `library_contracts/loans.py`."""
    return contract.__module__.replace(".", "/") + ".py"


def _name(contract: type[Contract]) -> str:
    return f"{contract.__module__}.{contract.__qualname__}"


def _downcasts(contract: type[Contract]) -> bool:
    return "downcast" in vars(contract)


def _check_shape(contract: type[Contract]) -> None:
    taken = sorted(_OWN_NAMES & set(contract.model_fields))
    if taken:
        raise InvalidContract(
            f"{_name(contract)} has a field {taken[0]!r}, a name that every contract uses for itself.\n"
            "  Give the field another name."
        )
    missing = "source" if not contract.identity.source else "" if contract.subject_field else "subject"
    if missing:
        raise InvalidContract(
            f"{_name(contract)} says no {missing}.\n"
            f"  Write class {contract.__name__}(Contract, source='<app>.<service>', subject='<field>')."
        )
    if contract.__pydantic_generic_metadata__["parameters"]:
        raise InvalidContract(
            f"{_name(contract)} is generic, but one identity is one shape.\n  Write one contract for each type."
        )


def _check_subject(contract: type[Contract]) -> None:
    field = contract.model_fields.get(contract.subject_field)
    if field is None:
        raise InvalidContract(
            f"{_name(contract)} names {contract.subject_field!r} as its subject, but has no such field.\n"
            + (
                f"  Name one of: {', '.join(sorted(contract.model_fields))}."
                if contract.model_fields
                else "  Give it the field that identifies the business entity."
            )
        )
    if is_marked(field):
        raise InvalidContract(
            f"{_name(contract)} names {contract.subject_field!r} as its subject, but marks it as personal data, and a "
            "subject is written to metadata and journal as it is.\n  Name a field that holds an id."
        )
    if any(not (isinstance(one, type) and issubclass(one, str | int | UUID)) for one in members(field.annotation)):
        raise InvalidContract(
            f"{_name(contract)} names {contract.subject_field!r} as its subject, which is {type_name(field.annotation)}, but a "
            "subject is an id that is always there.\n  Name a field that is a str, an int or a UUID."
        )


def _check_upcast(contract: type[Contract], old: type[Contract]) -> None:
    if not is_contract(old):
        raise InvalidContract(
            f"{_name(contract)} upcasts {old!r}, which is no contract.\n  Name the contract of the earlier version."
        )
    if contract.identity[:2] != old.identity[:2] or contract.identity.version <= old.identity.version:
        raise InvalidContract(
            f"{_name(contract)} ({contract.identity}) upcasts {_name(old)} ({old.identity}), which is not an earlier "
            "version of it.\n  Give both the same source and detail_type, and this one the higher version."
        )
    if not isinstance(vars(contract).get("upcast"), classmethod):
        raise InvalidContract(
            f"{_name(contract)} upcasts {_name(old)} but does not say how.\n"
            f"  Define: @classmethod def upcast(cls, old: {old.__name__}) -> {contract.__name__}."
        )


def _check_downcast(contract: type[Contract]) -> None:
    if contract.upcasts is None:
        raise InvalidContract(
            f"{_name(contract)} defines downcast, but names no earlier version to be published as.\n"
            "  Name it: upcasts=<the contract of the earlier version>."
        )
    if not isinstance(vars(contract)["downcast"], FunctionType):
        raise InvalidContract(
            f"{_name(contract)} has a downcast that is no plain method.\n"
            f"  Define: def downcast(self) -> {contract.upcasts.__name__}."
        )
