"""The registry: an application's contracts, by identity."""

from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin, is_typeddict

from pydantic import BaseModel
from pydantic.errors import PydanticUndefinedAnnotation

from contradance.contract import Contract, Identity, Value, is_contract
from contradance.errors import InvalidRegistry
from contradance.signature import unaliased


class Registry:
    """The contracts that one application may publish and consume: an explicit list, checked as a whole.

    `name` is the application: the first part of the `source` of the events it publishes.
    """

    def __init__(self, name: str, contracts: Iterable[type[Contract]]) -> None:
        self.name = name
        self._by_identity: dict[Identity, type[Contract]] = {}
        for contract in contracts:
            self._add(contract)
        self.by_identity = MappingProxyType(self._by_identity)

    def _add(self, contract: type[Contract]) -> None:
        if not is_contract(contract):
            raise InvalidRegistry(
                f"registry {self.name!r} lists {contract!r}, which is no contract.\n"
                "  List classes that derive from contradance.Contract."
            )
        other = self._by_identity.get(contract.identity)
        if other is not None:
            raise InvalidRegistry(
                f"{_place(contract)} and {_place(other)} are both {contract.identity}.\n"
                "  Give one of them another detail_type, or the next version."
            )
        try:
            contract.model_rebuild()
        except PydanticUndefinedAnnotation as error:
            raise InvalidRegistry(
                f"{contract.identity} names a type that does not exist: {error.message}.\n"
                f"  Define or import it in {contract.__module__}, at module level."
            ) from error
        for field, model in models_inside(contract):
            if not issubclass(model, Value):
                raise InvalidRegistry(
                    f"{contract.identity} holds {_place(model)} in its field {field!r}, which is no Value: it would "
                    f"not be closed when published.\n  Derive {model.__qualname__} from contradance.Value."
                )
        self._by_identity[contract.identity] = contract

    def __iter__(self) -> Iterator[type[Contract]]:
        return iter(self._by_identity.values())

    def __len__(self) -> int:
        return len(self._by_identity)

    def __contains__(self, contract: object) -> bool:
        return any(contract is known for known in self)

    def named(self, detail_type: str) -> tuple[type[Contract], ...]:
        """Return the contracts with this detail-type, newest version first; empty when there is none."""
        found = [contract for contract in self if contract.identity.detail_type == detail_type]
        return tuple(sorted(found, key=lambda contract: -contract.identity.version))

    def __repr__(self) -> str:
        return f"Registry({self.name!r}, {len(self)} contracts)"


def _place(model: type) -> str:
    return f"{model.__module__}.{model.__qualname__}"


def models_inside(root: type[BaseModel]) -> Iterator[tuple[str, type]]:
    """Yield (field of `root`, model) for every model reachable from `root`, each model once."""
    seen: set[type] = {root}
    waiting = [(name, field.annotation) for name, field in root.model_fields.items()]
    while waiting:
        name, annotation = waiting.pop()
        for model in models_in(annotation):
            if model not in seen:
                seen.add(model)
                yield name, model
                if issubclass(model, BaseModel):
                    waiting += [(name, field.annotation) for field in model.model_fields.values()]


def models_in(annotation: Any) -> Iterator[type]:
    """Yield the models named by one annotation, however deeply it nests them: Pydantic's and any other class of fields."""
    annotation = unaliased(annotation)
    if isinstance(annotation, type) and (
        issubclass(annotation, BaseModel)
        or is_dataclass(annotation)
        or is_typeddict(annotation)
        or _is_named_tuple(annotation)
    ):
        yield annotation
    arguments = get_args(annotation)
    for argument in arguments[:1] if get_origin(annotation) is Annotated else arguments:
        yield from models_in(argument)


def _is_named_tuple(annotation: type) -> bool:
    return issubclass(annotation, tuple) and hasattr(annotation, "_fields")
