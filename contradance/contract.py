"""The base classes of contracts: frozen Pydantic models with an identity, and the values inside them.

    class BookLent(Contract, source="library.loans", subject="loan_id"):
        \"\"\"A reader borrowed a book.\"\"\"

        loan_id: UUID = Field(description="The loan.", examples=["1d0f..."])

A breaking change is a new class that upcasts the old one:

    class BookLentV2(Contract, source="library.loans", detail_type="BookLent", version=2,
                        upcasts=BookLent, subject="loan_id"):
        @classmethod
        def upcast(cls, old: BookLent) -> "BookLentV2": ...

As long as the old version has subscribers, the new class may define a `downcast`: each event is then published in both
versions, as one event.

        def downcast(self) -> BookLent: ...
"""

from collections.abc import Iterator
from types import FunctionType
from typing import Any, ClassVar, Final, Self, TypeGuard
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contradance.annotation import full_name, members, type_name
from contradance.errors import InvalidContract
from contradance.identity import Identity, check_identity
from contradance.pii import MASK, is_marked
from contradance.unreadable import check_fields

_OWN_NAMES: Final = frozenset(
    {"downcast", "failure", "identity", "lineage", "renderings", "subject", "subject_field", "upcast", "upcasts"}
)
_FIXED_SETTINGS: Final[ConfigDict] = {
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
    """A model that a contract may contain: frozen, closed when published, and without values in its errors.

    A value refuses unknown fields when it is built. A consumed event ignores them, at every depth.
    """

    model_config = ConfigDict(**_FIXED_SETTINGS)
    __personal__: ClassVar[frozenset[str]] = frozenset()
    __checked__: ClassVar[bool] = False  # by `check_value`

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Mask personal data in the `repr` of a value."""
        for name, value in super().__repr_args__():
            yield name, MASK if name in self.__personal__ else value

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a subclass that changes a fixed setting, or that has a field whose JSON is not read back equal."""
        super().__pydantic_init_subclass__(**kwargs)
        for setting, fixed in _FIXED_SETTINGS.items():
            if cls.model_config.get(setting) != fixed:
                raise InvalidContract(
                    f"{cls.__qualname__} sets {setting}={cls.model_config.get(setting)!r}, but every value and contract "
                    f"has {setting}={fixed!r}.\n  Remove the setting from its model_config."
                )
        cls.__personal__ = frozenset(name for name, field in cls.model_fields.items() if is_marked(field))
        cls.__checked__ = False
        if cls.__pydantic_complete__:
            check_value(cls)


def check_value(model: type[Value]) -> None:
    """Raise `InvalidContract` if JSON cannot be read back to a field of the class; each class is checked once."""
    if not model.__checked__:
        check_fields(model, model.__qualname__, InvalidContract)
        model.__checked__ = True


class Contract(Value):
    """The base class of events: its fields are the event's `data`, and EventBridge routes by its identity.

    Keyword Args:
        source: `<app>.<service>`, the publishing service; never starts with `aws.`.
        subject: name of the field that identifies the business entity; its value is in the metadata.
        detail_type: the event's name in the past tense, at most 128 characters; the class name unless given.
        version: a small integer, 1 unless given.
        upcasts: the contract of an earlier version, which `upcast` converts to this one.
        failure: True for an event that reports a refusal or an undo; the picture shows it differently.
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
        """Set the identity; `__pydantic_init_subclass__` checks it after Pydantic has collected the fields.

        Type checkers read class keywords from Pydantic's metaclass, so only this check finds a missing `source`.
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
        check_identity(cls.identity, full_name(cls))
        _check_subject(cls)
        if cls.upcasts is not None:
            _check_upcast(cls, cls.upcasts)
        if _defines_downcast(cls):
            _check_downcast(cls)

    @classmethod
    def upcast(cls, old: Any) -> Self:
        """Convert an event of the contract in `upcasts` to this class; NotImplementedError unless that is defined."""
        raise NotImplementedError(f"{cls.identity} has no upcast, so it cannot upcast {type(old).__name__}")

    def downcast(self) -> Any:
        """Convert to the contract in `upcasts`, so that both are published; NotImplementedError unless defined."""
        raise NotImplementedError(f"{self.identity} has no downcast, so it is published in this version only")

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
        """Return this contract and the earlier versions that its events are also published as, newest first."""
        return (cls, *(cls.upcasts.renderings() if cls.upcasts and _defines_downcast(cls) else ()))


def is_contract(candidate: object) -> TypeGuard[type[Contract]]:
    """Whether `candidate` is a contract: a subclass of `Contract`, not `Contract` itself."""
    return isinstance(candidate, type) and issubclass(candidate, Contract) and candidate is not Contract


def where_defined(contract: type[BaseModel]) -> str:
    """Return the file that defines a contract or an event of others: `library_contracts/loans.py`."""
    return contract.__module__.replace(".", "/") + ".py"


def _defines_downcast(contract: type[Contract]) -> bool:
    """Whether the class itself, not a base class, defines `downcast`."""
    return "downcast" in vars(contract)


def _check_shape(contract: type[Contract]) -> None:
    """Raise `InvalidContract` for a reserved field name, a missing `source=` or `subject=`, and a generic class."""
    taken = sorted(_OWN_NAMES & set(contract.model_fields))
    if taken:
        raise InvalidContract(
            f"{full_name(contract)} has a field {taken[0]!r}, a name that is reserved in every contract.\n"
            "  Give the field another name."
        )
    missing = "source" if not contract.identity.source else "" if contract.subject_field else "subject"
    if missing:
        raise InvalidContract(
            f"{full_name(contract)} is missing `{missing}=`.\n"
            f"  Write class {contract.__name__}(Contract, source='<app>.<service>', subject='<field>')."
        )
    if contract.__pydantic_generic_metadata__["parameters"]:
        raise InvalidContract(
            f"{full_name(contract)} is generic, but one identity has one shape.\n  Write one contract for each type."
        )


def _check_subject(contract: type[Contract]) -> None:
    """Raise `InvalidContract` if the subject is no field, is personal data, or is not a str, an int or a UUID."""
    field = contract.model_fields.get(contract.subject_field)
    if field is None:
        raise InvalidContract(
            f"{full_name(contract)} names {contract.subject_field!r} as its subject, but has no such field.\n"
            + (
                f"  Name one of: {', '.join(sorted(contract.model_fields))}."
                if contract.model_fields
                else "  Give it the field that identifies the business entity."
            )
        )
    if is_marked(field):
        raise InvalidContract(
            f"{full_name(contract)} names {contract.subject_field!r} as its subject, but marks it as personal data, and a "
            "subject is written to metadata and journal as it is.\n  Name a field that holds an id."
        )
    if any(not (isinstance(one, type) and issubclass(one, str | int | UUID)) for one in members(field.annotation)):
        raise InvalidContract(
            f"{full_name(contract)} names {contract.subject_field!r} as its subject, which is {type_name(field.annotation)}, but a "
            "subject is an id that is always there.\n  Name a field that is a str, an int or a UUID."
        )


def _check_upcast(contract: type[Contract], old: type[Contract]) -> None:
    """Raise `InvalidContract` if `old` is not an earlier version, or the class method `upcast` is missing."""
    if not is_contract(old):
        raise InvalidContract(
            f"{full_name(contract)} upcasts {old!r}, which is not a contract.\n  Name the contract of the earlier version."
        )
    if contract.identity[:2] != old.identity[:2] or contract.identity.version <= old.identity.version:
        raise InvalidContract(
            f"{full_name(contract)} ({contract.identity}) upcasts {full_name(old)} ({old.identity}), which is not an earlier "
            "version of it.\n  Give both the same source and detail_type, and this one the higher version."
        )
    defined = vars(contract).get("upcast")
    if defined is not None and not isinstance(defined, classmethod):
        raise InvalidContract(
            f"{full_name(contract)} defines upcast without @classmethod.\n"
            f"  Write @classmethod above it: def upcast(cls, old: {old.__name__}) -> {contract.__name__}."
        )
    if defined is None:
        raise InvalidContract(
            f"{full_name(contract)} upcasts {full_name(old)} but does not define `upcast`.\n"
            f"  Define: @classmethod def upcast(cls, old: {old.__name__}) -> {contract.__name__}."
        )


def _check_downcast(contract: type[Contract]) -> None:
    """Raise `InvalidContract` for a `downcast` without `upcasts=`, or one that is not an instance method."""
    if contract.upcasts is None:
        raise InvalidContract(
            f"{full_name(contract)} defines downcast, but is missing `upcasts=`.\n"
            "  Name it: upcasts=<the contract of the earlier version>."
        )
    if not isinstance(vars(contract)["downcast"], FunctionType):
        raise InvalidContract(
            f"{full_name(contract)} has a downcast that is not an instance method.\n"
            f"  Define: def downcast(self) -> {contract.upcasts.__name__}."
        )
