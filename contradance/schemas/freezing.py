"""The plan of a freeze: files to write, and files of dropped versions to delete."""

from collections.abc import Iterable
from typing import NamedTuple

from contradance.contract import Contract
from contradance.schemas.folder import Promises
from contradance.schemas.frozen import FrozenContract, frozen_state


class FreezePlan(NamedTuple):
    """The changes that make the frozen files equal to the contracts."""

    new: tuple[FrozenContract, ...]
    changed: tuple[FrozenContract, ...]
    dropped: tuple[FrozenContract, ...]
    """Versions that have a file but no contract."""

    @property
    def empty(self) -> bool:
        """Whether the files already equal the contracts."""
        return not any(self)


def plan_freeze(contracts: Iterable[type[Contract]], promises: Promises) -> FreezePlan:
    """Return the files to write and to delete so that they equal `contracts`; breaking changes are included."""
    new, changed = list[FrozenContract](), list[FrozenContract]()
    contracts = [*contracts]
    identities = {contract.identity for contract in contracts}
    for contract in contracts:
        now, promised = frozen_state(contract), promises.get(contract.identity)
        if promised is None:
            new.append(now)
        elif (following := promised.followed_by(now)) != promised:
            changed.append(following)
    gone = (frozen for identity, frozen in promises.items() if identity not in identities)
    return FreezePlan(tuple(new), tuple(changed), tuple(gone))
