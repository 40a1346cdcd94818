"""The gate: a registry that breaks what is frozen goes no further; each break is told with whom it hurts.

    refuse_breaks(library, Path("contracts/schemas"))

What is promised are the contracts that the registry's own application publishes; others' are theirs to promise. Known
subscribers are those of the choreography. Other applications may have more: a promise is kept for them as well.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contradance.choreography import Choreography
from contradance.compatibility import DEFAULT_MODE, Change, Mode
from contradance.compatibility.change import BOTH
from contradance.contract import Contract, where_defined
from contradance.errors import BrokenPromise
from contradance.identity import Identity
from contradance.registry import Registry
from contradance.schemas import FrozenContract, Promises, broken, changes, frozen_state, read_folder

DROPPED: Final = "version-dropped"
"""Rule of the break that there is a frozen version, and no contract."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One change of one contract against what is promised, and who has to do with it."""

    identity: Identity
    change: Change
    publishers: tuple[str, ...]
    consumers: tuple[str, ...]
    """Functions that read events of this identity, as they are or upcast."""
    defined: str
    """File of the contract; empty where it is gone."""

    @property
    def victims(self) -> tuple[str, ...]:
        """The known subscribers that the change hurts."""
        return self.consumers if self.change.breaks else ()

    @property
    def fix(self) -> str:
        """What to do about it."""
        source, detail_type, version = self.identity
        if self.change.rule == DROPPED:
            return (
                f"Keep it in the registry until {' and '.join(self.victims)} no longer reads it."
                if self.victims
                else f'No subscriber known here reads it. Say so: contradance contracts freeze --drop "{self.identity}".'
            )
        return (
            f"Undo it, or publish the new shape as version {version + 1}: "
            f"class {detail_type}V{version + 1}(Contract, source={source!r}, detail_type={detail_type!r}, "
            f"version={version + 1}, upcasts=...)."
        )

    def __str__(self) -> str:
        parties = f"published by {_said(self.publishers)}, consumed by {_said(self.consumers)}"
        where = f"; contract in {self.defined}" if self.defined else ""
        return f"{self.identity}: {self.change.message}\n    {parties}{where}\n    {self.fix}"


def own_contracts(registry: Registry) -> list[type[Contract]]:
    """Return the contracts that the registry's application promises: those that it publishes."""
    return [contract for contract in registry if contract.identity.app == registry.name]


def breaks(
    checked: Choreography | Registry,
    promises: Promises,
    *,
    mode: Mode = DEFAULT_MODE,
    dropped: Collection[Identity] = (),
) -> list[Difference]:
    """Return every break of what is promised; `dropped` names versions that are given up on purpose.

    A version that a known subscriber's pattern still takes is a break, dropped on purpose or not.
    """

    def found(frozen: FrozenContract, now: FrozenContract) -> list[Change]:
        given_up = {identity.version for identity in dropped if identity[:2] == frozen.identity[:2]}
        return [
            change
            for change in broken(frozen, now, mode)
            if not (change.rule == "upcast-removed" and frozen.upcasts in given_up)
        ]

    return [
        difference
        for difference in _differences(checked, promises, found)
        if difference.change.rule != DROPPED or difference.identity not in dropped or difference.consumers
    ]


def differences(checked: Choreography | Registry, promises: Promises) -> list[Difference]:
    """Return every difference to what is promised last, those that break nobody included."""
    return _differences(checked, promises, changes)


def refuse_breaks(checked: Choreography | Registry, folder: Path, mode: Mode = DEFAULT_MODE) -> None:
    """Refuse contracts that break what is frozen in `folder`; nothing is promised where there is no such folder.

    Raises:
        BrokenPromise: names every break, whom it hurts and what to do.
        InvalidSchema: a file holds no frozen contract.
    """
    refuse(breaks(checked, read_folder(folder), mode=mode))


def refuse(found: Iterable[Difference]) -> None:
    """Raise `BrokenPromise` where there is a break."""
    lines = [f"  {difference}" for difference in found]
    if lines:
        count = "1 change breaks" if len(lines) == 1 else f"{len(lines)} changes break"
        raise BrokenPromise("\n".join([f"{count} what is frozen", *lines]))


def _differences(
    checked: Choreography | Registry,
    promises: Promises,
    find: Callable[[FrozenContract, FrozenContract], Iterable[Change]],
) -> list[Difference]:
    choreography = checked if isinstance(checked, Choreography) else None
    registry = checked if isinstance(checked, Registry) else checked.contracts
    found: list[Difference] = []
    for identity, frozen in promises.items():
        contract = registry.by_identity.get(identity)
        if contract is None and identity.app == registry.name:
            told = "there is a frozen version, but the registry holds no such contract."
            gone = Change("", DROPPED, BOTH, told)
            found.append(Difference(identity, gone, (), readers(choreography, identity), ""))
        elif contract is not None:
            publishers = choreography.publishers(contract) if choreography else ()
            names = tuple(function.name for function in publishers)
            found += [
                Difference(identity, change, names, readers(choreography, identity), where_defined(contract))
                for change in find(frozen, frozen_state(contract))
            ]
    return found


def readers(choreography: Choreography | None, identity: Identity) -> tuple[str, ...]:
    """Return the functions whose event pattern takes events of an identity."""
    subscribed = choreography.subscriptions if choreography else ()
    return tuple(one.function.name for one in subscribed if one.subscription.contract_of(identity))


def _said(functions: Collection[str]) -> str:
    return ", ".join(functions) or "nobody known here"
