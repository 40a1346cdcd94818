"""What freezing would change: files to write, and files of versions that are dropped."""

from collections.abc import Iterable
from typing import NamedTuple

from contradance.contract import Contract
from contradance.schemas.folder import Promises
from contradance.schemas.frozen import FrozenContract, frozen_state


class FreezePlan(NamedTuple):
    """How files and contracts are brought to agree."""

    new: tuple[FrozenContract, ...]
    changed: tuple[FrozenContract, ...]
    dropped: tuple[FrozenContract, ...]
    """Versions that there is a file of, and no contract."""

    @property
    def empty(self) -> bool:
        """Whether files and contracts agree."""
        return not any(self)


def plan(contracts: Iterable[type[Contract]], promises: Promises) -> FreezePlan:
    """Return what freezing `contracts` would change, whether it may be changed or not."""
    new, changed = list[FrozenContract](), list[FrozenContract]()
    contracts = [*contracts]
    there = {contract.identity for contract in contracts}
    for contract in contracts:
        now, promised = frozen_state(contract), promises.get(contract.identity)
        if promised is None:
            new.append(now)
        elif (following := promised.followed_by(now)) != promised:
            changed.append(following)
    gone = (frozen for identity, frozen in promises.items() if identity not in there)
    return FreezePlan(tuple(new), tuple(changed), tuple(gone))
