"""Deprecated versions of contracts (a newer version exists), and the functions that still use them."""

from typing import NamedTuple

from contradance.choreography import Choreography
from contradance.contract import Contract
from contradance.registry import Registry


class Deprecation(NamedTuple):
    """A version of a contract that is not the newest."""

    contract: type[Contract]
    newest: type[Contract]
    publishers: tuple[str, ...]
    """Functions that publish it, alone or as a rendering of a newer version."""
    consumers: tuple[str, ...]
    """Functions that subscribe to this version without upcasting it."""
    upcasters: tuple[str, ...]
    """Functions that read it as a newer version: mostly events of the archive."""

    def __str__(self) -> str:
        version = self.contract.identity.version
        if self.consumers:
            return f"v{version} still consumed by {', '.join(self.consumers)}"
        if self.publishers:
            return f"v{version} has no known consumer, still published by {', '.join(self.publishers)}"
        if self.upcasters:
            return f"v{version} read from the archive by {', '.join(self.upcasters)}"
        return f"v{version} has no known reader"


def deprecations(checked: Choreography | Registry) -> list[Deprecation]:
    """Return the versions that have a newer one, in the registry's order, with the functions that use them."""
    choreography = checked if isinstance(checked, Choreography) else None
    registry = checked if isinstance(checked, Registry) else checked.contracts
    newest: dict[tuple[str, str], type[Contract]] = {}
    for contract in registry:
        known = newest.setdefault(contract.identity[:2], contract)
        newest[contract.identity[:2]] = max(known, contract, key=lambda one: one.identity.version)
    return [
        _deprecation(choreography, contract, latest)
        for contract in registry
        if (latest := newest[contract.identity[:2]]) is not contract
    ]


def _deprecation(choreography: Choreography | None, contract: type[Contract], newest: type[Contract]) -> Deprecation:
    """Return one deprecation, with the functions that publish, consume and upcast the contract."""
    subscribed = choreography.subscriptions if choreography else ()
    read = {one.function.name: one.subscription.contract_of(contract.identity) for one in subscribed}
    publishers = choreography.publishers(contract) if choreography else ()
    return Deprecation(
        contract,
        newest,
        tuple(function.name for function in publishers),
        tuple(name for name, found in read.items() if found and found[1] is contract),
        tuple(name for name, found in read.items() if found and found[1] is not contract),
    )
