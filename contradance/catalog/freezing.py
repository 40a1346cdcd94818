"""Freezing a project's contracts: files are written where that breaks nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from contradance.choreography import Choreography
from contradance.gate import breaks, own_contracts, refuse
from contradance.registry import Registry
from contradance.schemas.folder import delete, read_folder, write
from contradance.schemas.freezing import FreezePlan, plan
from contradance.schemas.identities import find


@dataclass(frozen=True, slots=True)
class Frozen:
    """What freezing did, or would do."""

    plan: FreezePlan
    folder: Path
    count: int
    """Contracts that are promised."""
    written: bool

    def told(self, root: Path) -> Iterator[str]:
        """Yield a line for each file."""
        would = "" if self.written else "would be "
        for verb, group in (("new", self.plan.new), ("changed", self.plan.changed), ("dropped", self.plan.dropped)):
            for frozen in group:
                path = self.folder / frozen.path
                shown = path.relative_to(root) if path.is_relative_to(root) else path
                yield f"{would}{verb}  {frozen.identity}  {shown.as_posix()}"


def freeze_contracts(
    checked: Choreography | Registry, folder: Path, *, dropping: Sequence[str] = (), write_files: bool = True
) -> Frozen:
    """Bring files and contracts to agree: all of them, or none where one contract breaks its promise.

    Args:
        checked: the choreography, whose subscribers are known, or a registry alone.
        folder: of the frozen contracts.
        dropping: versions that are given up on purpose: `library.loans/BookLent v1`.
        write_files: False to look only.

    Raises:
        BrokenPromise: a frozen version was changed in a way that breaks somebody, or is gone.
        DeclarationError: what is given up is not there.
    """
    registry = checked if isinstance(checked, Registry) else checked.contracts
    promises = read_folder(folder)
    given_up = {find(name, promises) for name in dropping}
    refuse(breaks(checked, promises, dropped=given_up))
    planned = plan(own_contracts(registry), promises)
    planned = planned._replace(dropped=tuple(one for one in planned.dropped if one.identity in given_up))
    if write_files:
        for frozen in (*planned.new, *planned.changed):
            write(folder, frozen)
        for frozen in planned.dropped:
            delete(folder, frozen)
    return Frozen(planned, folder, len(own_contracts(registry)), written=write_files)
