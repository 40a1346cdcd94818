"""The registry of an application's contracts, by identity."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from pydantic import BaseModel, RootModel
from pydantic.errors import PydanticUndefinedAnnotation

from contradance.annotation import full_name, models_inside
from contradance.contract import Contract, Value, check_value, is_contract
from contradance.errors import InvalidRegistry
from contradance.identity import Identity
from contradance.quantity import counted


class Registry:
    """An explicit list of the contracts that one application publishes and consumes, checked when it is built.

    `name` is the application: the first part of the `source` of the events it publishes.
    """

    by_identity: Mapping[Identity, type[Contract]]

    def __init__(self, name: str, contracts: Iterable[type[Contract]]) -> None:
        self.name = name
        known: dict[tuple[str, str, int], type[Contract]] = {}
        for contract in contracts:
            self._check(contract)
            twin = known.setdefault(contract.identity, contract)
            if twin is not contract:
                raise InvalidRegistry(
                    f"{full_name(contract)} and {full_name(twin)} are both {contract.identity}.\n"
                    "  Give one of them another detail_type, or the next version."
                )
        self.by_identity = MappingProxyType({contract.identity: contract for contract in known.values()})

    def _check(self, contract: type[Contract]) -> None:
        """Raise `InvalidRegistry` for what is no contract, and for an unknown type or a model but a `Value` in it."""
        if not is_contract(contract):
            raise InvalidRegistry(
                f"registry {self.name!r} lists {contract!r}, which is not a contract.\n"
                "  List classes that derive from contradance.Contract."
            )
        try:
            contract.model_rebuild()
        except PydanticUndefinedAnnotation as error:
            raise InvalidRegistry(
                f"{contract.identity} names a type that does not exist: {error.message}.\n"
                f"  Define or import it in {contract.__module__}, at module level."
            ) from error
        check_value(contract)
        for field, model in models_inside(contract):
            if not issubclass(model, Value):
                raise InvalidRegistry(
                    f"{contract.identity} holds {full_name(model)} in its field {field!r}, which is not a Value, so it would "
                    f"accept unknown fields when published.\n  {_describe_fix(model)}"
                )
            check_value(model)

    def __iter__(self) -> Iterator[type[Contract]]:
        return iter(self.by_identity.values())

    def __len__(self) -> int:
        return len(self.by_identity)

    def __contains__(self, contract: object) -> bool:
        return is_contract(contract) and self.by_identity.get(contract.identity) is contract

    def named(self, detail_type: str) -> tuple[type[Contract], ...]:
        """Return the contracts with this detail-type, newest version first; empty when there are none."""
        found = [contract for contract in self if contract.identity.detail_type == detail_type]
        return tuple(sorted(found, key=lambda contract: -contract.identity.version))

    def __repr__(self) -> str:
        return f"Registry({self.name!r}, {counted(len(self), 'contract')})"


def _describe_fix(model: type) -> str:
    """Return the fix for a model that is not a `Value`, as a sentence."""
    if issubclass(model, RootModel):
        return f"Use the type inside {model.__qualname__} itself, or a Value with one field."
    if issubclass(model, BaseModel):
        return f"Derive {model.__qualname__} from contradance.Value."
    return f"Write {model.__qualname__} as a class of fields that derives from contradance.Value alone."
