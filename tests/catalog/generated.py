"""Generated choreographies: of any size from a seed, or drawn by Hypothesis."""

import warnings
from collections.abc import Sequence
from functools import reduce
from operator import add, or_
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from types import new_class
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel

from contradance import Choreography, Contract, Registry, Reply, route, schedule, subscriber
from contradance.choreography import AnyFunction

_SERVICES = ("lending", "returns", "readers", "reminders", "fines", "catalogue", "acquisitions", "branches", "payments")
_VERBS = ("record", "remind", "reserve", "collect", "confirm", "reject", "notify", "update", "archive", "release")
_NOUNS = (
    "loan",
    "copy",
    "reader_account",
    "waiting_list",
    "interlibrary_request",
    "shelf",
    "late_fee",
    "membership_card",
)
_DONE = ("Lent", "Returned", "Reserved", "Overdue", "Requested", "Confirmed", "Released", "Settled", "Archived")
_UNDONE = ("Refused", "Cancelled", "Failed", "Undone")


class Empty(BaseModel):
    """The response of a generated route."""


def contract(service: str, name: str, *, failure: bool = False) -> type[Contract]:
    """Return a contract of that name."""
    return new_class(
        name,
        (Contract,),
        {"source": f"library.{service}", "subject": "item", "failure": failure},
        lambda body: body.update({"__annotations__": {"item": str}, "__module__": __name__}),
    )


def function(
    service: str,
    name: str,
    consumes: Sequence[type[Contract]],
    publishes: Sequence[type[Contract]],
    *,
    begins: str = "",
) -> AnyFunction:
    """Return a function of that name. If it consumes nothing it is a route, or a schedule if `begins` is one."""
    answer: Any = reduce(or_, publishes) if publishes else None

    if consumes:

        def consumer(event): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - annotated below

        consumer.__annotations__ = {"event": reduce(or_, consumes), "return": answer}
        consumer.__name__ = name
        return subscriber(service=service)(consumer)

    def starter(): ...  # type: ignore[no-untyped-def]  # noqa: ANN202 - annotated below

    starter.__name__ = name
    if begins.startswith("rate"):
        starter.__annotations__ = {"return": answer}
        return schedule(begins, service=service)(starter)
    starter.__annotations__ = {"return": Reply[Empty, answer] if publishes else Empty}
    return route(begins or f"POST /{name}", service=service)(starter)


def built(functions: Sequence[AnyFunction], contracts: Sequence[type[Contract]], name: str = "library") -> Choreography:
    """Return the choreography of these functions; events without a subscriber are allowed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Choreography(name, contracts=Registry("library", contracts), functions=functions)


def connected(functions: Sequence[tuple[Sequence[int], Sequence[int]]], failures: Sequence[int] = ()) -> Choreography:
    """Return a choreography of functions that consume and publish events, which are given by number."""
    numbers = sorted({number for consumed, published in functions for number in (*consumed, *published)})
    contracts = {number: contract("a", f"E{number}", failure=number in failures) for number in numbers}
    made = [
        function("a", f"f{position}", [contracts[one] for one in consumed], [contracts[one] for one in published])
        for position, (consumed, published) in enumerate(functions)
    ]
    return built(made, [*contracts.values()])


def of_size(size: int, seed: int) -> Choreography:
    """Return a choreography of `size` functions that looks like a grown system: few starts, forks, long arrows, a cycle."""
    random = Random(seed)
    contracts: list[type[Contract]] = []
    functions: list[AnyFunction] = []
    names: set[str] = set()

    def named(make: Any) -> str:
        while (name := make()) in names:
            pass
        names.add(name)
        return str(name)

    def published(service: str, count: int) -> list[type[Contract]]:
        made = []
        for position in range(count):
            words = _UNDONE if position else _DONE
            name = named(
                lambda words=words: (
                    "".join(map(str.title, random.choice(_NOUNS).split("_")))
                    + random.choice(words)
                    + random.choice(("", "", "Again", "Early", "ByBranch", "Online"))
                )
            )
            made.append(contract(service, name, failure=position > 0))
        contracts.extend(made)
        return made

    def handler() -> str:
        return f"{random.choice(_VERBS)}_{random.choice(_NOUNS)}"

    for start in range(max(1, size // 12)):
        service = _SERVICES[start % len(_SERVICES)]
        name = named(handler)
        begins = "rate(1 day)" if start == 1 else f"POST /{name.replace('_', '-')}"
        functions.append(function(service, name, [], published(service, 1 + (start == 0)), begins=begins))
    while len(functions) < size:
        service = random.choice(_SERVICES)
        recent = contracts[-12:] if random.random() < 0.85 else contracts
        consumes = random.sample(recent, min(len(recent), random.choice((1, 1, 1, 1, 2, 3))))
        functions.append(
            function(service, named(handler), consumes, published(service, random.choice((0, 0, 0, 1, 1, 1, 2, 2))))
        )
    closing = function(
        "lending",
        "close_the_cycle",
        [contracts[-1]],
        [one for one in contracts if one.identity.service == "lending"][:1],
    )
    return built([*functions[:-1], closing], contracts)


@st.composite
def choreographies(
    draw: st.DrawFn, *, functions: int = 12, contracts: int = 9, consumes: int = 4, publishes: int = 3
) -> Choreography:
    """Draw choreographies of up to so many functions and contracts, with any edges that signatures allow.

    `consumes` and `publishes` are the most contracts of one function. Names are short, or as long as AWS allows.
    """
    services = [f"s{number}" for number in range(draw(st.integers(1, 4)))]
    names = draw(st.lists(_names(ascii_uppercase, ascii_letters, 128), min_size=1, max_size=contracts, unique=True))
    made = [contract(draw(st.sampled_from(services)), name, failure=draw(st.booleans())) for name in names]
    functions_made = []
    for number in range(draw(st.integers(1, functions))):
        service = draw(st.sampled_from(services))
        own = [one for one in made if one.identity.service == service]
        consumed = draw(st.lists(st.sampled_from(made), max_size=consumes, unique=True))
        published = draw(st.lists(st.sampled_from(own), max_size=publishes, unique=True)) if own else []
        name = draw(_names(ascii_lowercase, ascii_lowercase + "_", 60))
        functions_made.append(function(service, f"{name}_{number}", consumed, published))
    return built(functions_made, made)


def _names(first: str, others: str, longest: int) -> st.SearchStrategy[str]:
    lengths = st.one_of(st.integers(0, 20), st.integers(0, 20), st.integers(21, longest - 1))
    return lengths.flatmap(
        lambda length: st.builds(add, st.sampled_from(first), st.text(others, min_size=length, max_size=length))
    )
