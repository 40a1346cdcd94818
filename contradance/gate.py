"""Refuses contracts that break a frozen contract, and names the affected subscribers.

    refuse_breaks(library, Path("contracts/schemas"))

An application freezes only the contracts that it publishes itself. Known subscribers are those of the choreography;
other applications may have more, so a change breaks a frozen contract even when it has no known subscriber.
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
from contradance.quantity import counted
from contradance.registry import Registry
from contradance.schemas import FrozenContract, Promises, broken, changes, frozen_state, read_folder

DROPPED: Final = "version-dropped"
"""Rule of the break that a frozen version has no contract any more."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between a contract and its frozen version, with its publishers and consumers."""

    identity: Identity
    change: Change
    publishers: tuple[str, ...]
    consumers: tuple[str, ...]
    """Functions that consume events of this identity, directly or upcast."""
    defined: str
    """File of the contract; empty when there is no contract any more."""

    @property
    def victims(self) -> tuple[str, ...]:
        """The known subscribers that the change breaks."""
        return self.consumers if self.change.breaks else ()

    @property
    def fix(self) -> str:
        """The fix, as a sentence."""
        source, detail_type, version = self.identity
        if self.change.rule == DROPPED:
            return (
                f"Keep it in the registry as long as {' and '.join(self.victims)} reads it."
                if self.victims
                else f'No known subscriber reads it. To drop it, run: contradance contracts freeze --drop "{self.identity}".'
            )
        return (
            f"Undo it, or publish the new shape as version {version + 1}: "
            f"class {detail_type}V{version + 1}(Contract, source={source!r}, detail_type={detail_type!r}, "
            f"version={version + 1}, upcasts=...)."
        )

    def __str__(self) -> str:
        parties = f"published by {_join_names(self.publishers)}, consumed by {_join_names(self.consumers)}"
        where = f"; contract in {self.defined}" if self.defined else ""
        return f"{self.identity}: {self.change.message}\n    {parties}{where}\n    {self.fix}"


def own_contracts(registry: Registry) -> list[type[Contract]]:
    """Return the contracts that the registry's own application publishes."""
    return [contract for contract in registry if contract.identity.app == registry.name]


def breaks(
    checked: Choreography | Registry,
    promises: Promises,
    *,
    mode: Mode = DEFAULT_MODE,
    dropped: Collection[Identity] = (),
) -> list[Difference]:
    """Return every change that breaks a frozen contract; `dropped` names versions that are dropped on purpose.

    A version that matches the event pattern of a known subscriber is a break even when it is in `dropped`.
    """

    def found(frozen: FrozenContract, now: FrozenContract) -> list[Change]:
        """Return the changes that break `frozen`, without an upcast of a version that is dropped on purpose."""
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
    """Return every difference between the contracts and their last frozen states, breaking or not."""
    return _differences(checked, promises, changes)


def refuse_breaks(checked: Choreography | Registry, folder: Path, mode: Mode = DEFAULT_MODE) -> None:
    """Raise `BrokenPromise` when contracts break those frozen in `folder`; a folder that does not exist has none.

    Raises:
        BrokenPromise: names every break, its publishers and consumers, and the fix.
        InvalidSchema: a file is not a frozen contract.
    """
    refuse(breaks(checked, read_folder(folder), mode=mode))


def refuse(found: Iterable[Difference]) -> None:
    """Raise `BrokenPromise`, which names every difference, when `found` is not empty."""
    lines = [f"  {difference}" for difference in found]
    if lines:
        count = "1 change breaks" if len(lines) == 1 else f"{counted(len(lines), 'change')} break"
        raise BrokenPromise("\n".join([f"{count} the frozen contracts", *lines]))


def _differences(
    checked: Choreography | Registry,
    promises: Promises,
    find: Callable[[FrozenContract, FrozenContract], Iterable[Change]],
) -> list[Difference]:
    """Return what `find` returns for each frozen contract, and a drop for each own one without a contract now."""
    choreography = checked if isinstance(checked, Choreography) else None
    registry = checked if isinstance(checked, Registry) else checked.contracts
    found: list[Difference] = []
    for identity, frozen in promises.items():
        contract = registry.by_identity.get(identity)
        if contract is None and identity.app == registry.name:
            text = "there is a frozen version, but the registry does not contain the contract."
            gone = Change("", DROPPED, BOTH, text)
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
    """Return the functions whose event pattern matches events of an identity; none without a choreography."""
    subscribed = choreography.subscriptions if choreography else ()
    return tuple(one.function.name for one in subscribed if one.subscription.contract_of(identity))


def _join_names(functions: Collection[str]) -> str:
    """Return names with commas between them; `no known function` for none."""
    return ", ".join(functions) or "no known function"
