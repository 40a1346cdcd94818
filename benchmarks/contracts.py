"""Seconds that it takes to hold a registry against its frozen contracts, by the number of contracts: it should be linear.

    python benchmarks/contracts.py [--quick]

Each contract is like an OrderPlaced: nested models, a list, an enum, bounds; its frozen state differs from it in one
place, deep inside, so that nothing is equal at first sight. Measured are the comparison alone, and the whole gate, which
also makes each contract's schema. The least of three rounds counts. `--quick` measures too few to tell whether it is linear.
"""

import argparse
import gc
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from pydantic import Field

from contradance import Contract, Registry
from contradance.compatibility import check
from contradance.gate import breaks
from contradance.schemas import FrozenContract, frozen_state
from food_contracts.orders import OrderPlaced

ROUNDS = 3
SPREAD = 3.0
"""How much more one of many contracts may cost than one of few, before this is called not linear."""


def contract(number: int) -> type[Contract]:
    """Return a contract with the fields of OrderPlaced and one of its own."""
    fields = {name: field.annotation for name, field in OrderPlaced.model_fields.items()}
    named: dict[str, Any] = {
        "__module__": __name__,
        "__qualname__": f"Event{number}",
        "__annotations__": {**fields, "own": int},
        **OrderPlaced.model_fields,
        "own": Field(ge=number),
    }
    metaclass: Any = type(Contract)
    made: type[Contract] = metaclass(
        f"Event{number}", (Contract,), named, source=f"bench.s{number % 50}", subject="order_id"
    )
    return made


def with_longer_lists(frozen: FrozenContract) -> FrozenContract:
    """Return a state that promised one more line in each order: a break, found deep inside."""
    said = frozen.model_dump(by_alias=True, mode="json")
    said["schema"]["properties"]["lines"]["maxItems"] += 1
    return FrozenContract.model_validate(said)


def least(call: Callable[[], object]) -> float:
    """Return the seconds of the fastest round."""
    best = float("inf")
    gc.collect()
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def main(arguments: Sequence[str]) -> None:
    """Measure registries of growing size."""
    parser = argparse.ArgumentParser(description="Seconds to hold a registry against its frozen contracts.")
    parser.add_argument("--quick", action="store_true", help="fewer contracts, for a first look")
    quick = parser.parse_args(arguments).quick
    sizes = (2, 4, 8) if quick else (250, 500, 1000)
    contracts = [contract(number) for number in range(sizes[-1])]
    states = [frozen_state(one) for one in contracts]
    promised = [with_longer_lists(state) for state in states]
    print(f"{'contracts':>10} {'compared, s':>12} {'ms each':>8} {'of few':>8} {'whole gate, s':>14} {'ms each':>8}")
    each: list[float] = []
    for size in sizes:
        registry = Registry("bench", contracts[:size])
        promises = {one.identity: one for one in promised[:size]}
        pairs = list(zip(promised[:size], states[:size], strict=True))
        compared = least(lambda pairs=pairs: [check(old.states, new.schema_) for old, new in pairs])
        gate = least(lambda registry=registry, promises=promises: breaks(registry, promises))
        assert len(breaks(registry, promises)) == size
        each.append(compared / size)
        print(f"{size:>10} {compared:>12.2f} {compared / size * 1e3:>8.2f} {each[-1] / each[0]:>7.2f}x", end="")
        print(f" {gate:>14.2f} {gate / size * 1e3:>8.2f}")
    assert quick or max(each) < SPREAD * min(each), "comparing is not linear in the number of contracts"


if __name__ == "__main__":
    main(sys.argv[1:])
