"""Freezes the contracts of a project: writes their schemas to files, unless a contract breaks its frozen schema."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from contradance.catalog.casts import check_casts
from contradance.choreography import Choreography
from contradance.gate import breaks, own_contracts, refuse
from contradance.registry import Registry
from contradance.schemas.folder import delete_frozen, read_folder, write_frozen
from contradance.schemas.freezing import FreezePlan, plan_freeze
from contradance.schemas.identities import find_identity


@dataclass(frozen=True, slots=True)
class Frozen:
    """The result of freezing: the files that it wrote, or would write."""

    plan: FreezePlan
    folder: Path
    count: int
    """Number of contracts that the application freezes."""
    written: bool

    def as_json(self) -> dict[str, object]:
        """Return the count, whether files are written, and the identities that are new, changed or dropped, for JSON."""
        groups = {"new": self.plan.new, "changed": self.plan.changed, "dropped": self.plan.dropped}
        named = {name: [str(frozen.identity) for frozen in group] for name, group in groups.items()}
        return {"contracts": self.count, "written": self.written, **named}

    def lines(self, root: Path) -> Iterator[str]:
        """Yield a line of text for each file: new, changed or dropped, the contract, and the path."""
        would = "" if self.written else "would be "
        for verb, group in (("new", self.plan.new), ("changed", self.plan.changed), ("dropped", self.plan.dropped)):
            for frozen in group:
                path = self.folder / frozen.path
                shown = path.relative_to(root) if path.is_relative_to(root) else path
                yield f"{would}{verb}  {frozen.identity}  {shown.as_posix()}"


def freeze_contracts(
    checked: Choreography | Registry, folder: Path, *, dropping: Sequence[str] = (), write_files: bool = True
) -> Frozen:
    """Write the schemas of all contracts, and delete the versions in `dropping`; on a break, raise and write nothing.

    Args:
        checked: the choreography, which has the known subscribers, or a registry.
        folder: folder of the frozen schemas.
        dropping: versions to delete: `library.loans/BookLent v1`.
        write_files: False to return the plan only.

    Raises:
        BrokenPromise: a frozen version is changed in a way that breaks a consumer or a publisher, or is missing.
        DeclarationError: a version to delete is not frozen.
        InvalidContract: an upcast or a downcast fails for an example.
    """
    registry = checked if isinstance(checked, Registry) else checked.contracts
    promises = read_folder(folder)
    to_drop = {find_identity(name, promises) for name in dropping}
    refuse(breaks(checked, promises, dropped=to_drop))
    check_casts(own_contracts(registry))
    planned = plan_freeze(own_contracts(registry), promises)
    planned = planned._replace(dropped=tuple(one for one in planned.dropped if one.identity in to_drop))
    if write_files:
        for frozen in (*planned.new, *planned.changed):
            write_frozen(folder, frozen)
        for frozen in planned.dropped:
            delete_frozen(folder, frozen)
    return Frozen(planned, folder, len(own_contracts(registry)), written=write_files)
