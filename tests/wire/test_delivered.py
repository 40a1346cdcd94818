"""Each kind of field, published, delivered, dead-lettered, redriven, replayed, stored and asked: one laptop for all."""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from contradance import Choreography, Contract, Registry, Retry, Table, route, subscriber
from contradance.envelope import seal_initial
from contradance.equality import Equality
from contradance.function import AnyFunction
from contradance.local.clock import VirtualClock
from contradance.local.laptop import Laptop
from contradance.operate.dead_letters import find, redrive
from contradance.runtime.publish import publish
from contradance.wire import read_closed, read_tolerant, to_wire
from tests.operate.running import operated
from tests.wire.contracts import contract_of, holds, item_of, number, record_of
from tests.wire.kinds import KINDS, Kind
from tests.wire.test_kinds import KEPT, data_of, events, ordered

EQUAL = Equality(opaque=True)
HELD = [kind for kind in KINDS if holds(kind) and kind.values]
HELD_KINDS = pytest.mark.parametrize("kind", HELD, ids=lambda kind: kind.name)
STORED = [kind for kind in KINDS if not (kind.refused if kind.table is None else kind.table)]
HOUR = timedelta(hours=1)


class Lived(NamedTuple):
    """What handlers were given, by kind and by how it came, and what routes answered and dead letters held."""

    given: dict[tuple[Kind, str], list[Contract]]
    letters: dict[str, list[Any]]
    answers: dict[Kind, list[tuple[bytes, tuple[int, str | bytes]]]]
    stored: dict[Kind, list[tuple[BaseModel, BaseModel | None]]]


class Machine:
    """Makes the functions of the choreography; a consumer fails while `phase` is "delivered"."""

    def __init__(self) -> None:
        self.phase = "delivered"
        self.given: dict[tuple[Kind, str], list[Contract]] = defaultdict(list)
        self.stored: dict[Kind, list[tuple[BaseModel, BaseModel | None]]] = defaultdict(list)

    def consumer(self, kind: Kind) -> AnyFunction:
        """Return a consumer of a kind's contract."""

        def consume(event: Any) -> None:
            self.given[kind, self.phase].append(event)
            if self.phase == "delivered":
                raise RuntimeError("not yet")

        consume.__name__ = f"consume_{number(kind)}"
        consume.__annotations__ = {"event": contract_of(kind), "return": None}
        return subscriber(service="kinds", retry=Retry(times=0))(consume)

    def echo(self, kind: Kind) -> AnyFunction:
        """Return a route that stores what it takes, reads it, and answers it."""
        model = record_of(kind)
        table = Table(f"t{number(kind)}", key=("id",), model=model, service="kinds")

        def answer(body: Any) -> Any:
            table.put(body)
            read = table.get("k1")
            self.stored[kind].append((body, read))
            return read

        answer.__name__ = f"answer_{number(kind)}"
        answer.__annotations__ = {"body": model, "return": model}
        return route(f"POST /k{number(kind)}", service="kinds", uses=[table.write])(answer)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    machine = Machine()
    functions = [*map(machine.consumer, HELD), *map(machine.echo, STORED)]
    choreography = Choreography("kinds", contracts=Registry("kinds", map(contract_of, HELD)), functions=functions)
    letters: dict[str, list[Any]] = defaultdict(list)
    answers: dict[Kind, list[tuple[bytes, tuple[int, str | bytes]]]] = defaultdict(list)
    clock = VirtualClock()
    with (
        Laptop(choreography, tmp_path_factory.mktemp("kinds"), clock=clock, variables={}, synchronous="OFF") as laptop,
        operated(laptop) as stack,
    ):
        begun = clock.now()
        for event in [event for kind in HELD for event in events(kind)]:
            sealed = seal_initial(event, publisher="kinds.tests", occurred_at=clock.now())
            publish(sealed, laptop.bus, laptop.bus.name, clock, 1)
        laptop.drain()
        for letter in find(stack, choreography, keep=sys.maxsize).letters:
            assert letter.event is not None
            letters[letter.event["detail-type"]].append(letter.event["detail"]["data"])
        laptop.advance(HOUR)  # beyond the leases of the attempts that failed
        machine.phase = "redriven"
        assert {verdict.outcome for verdict in redrive(stack, choreography, really=True)} == {"redriven"}
        laptop.drain()
        machine.phase = "replayed"
        laptop.replays.begin("again.all", begun - HOUR, clock.now() + HOUR, None, None)
        laptop.drain()
        for kind in STORED:
            for value in kind.values:
                asked = to_wire(item_of(kind, value))
                answer = laptop.request("POST", f"/k{number(kind)}", asked)
                answers[kind].append((asked, (answer.status, answer.body)))
        yield Lived(machine.given, letters, answers, machine.stored)


@HELD_KINDS
def test_a_handler_is_given_what_was_published(lived: Lived, kind: Kind) -> None:
    published = {ordered(kind, data_of(event)): event for event in events(kind)}

    for phase in ("delivered", "redriven", "replayed"):
        given = lived.given[kind, phase]

        assert len(given) == len(events(kind)), phase
        for event in given:
            assert EQUAL.difference(published[ordered(kind, json.loads(to_wire(event)))], event) is None, phase


@HELD_KINDS
def test_a_dead_letter_holds_the_event_as_delivered(lived: Lived, kind: Kind) -> None:
    held = lived.letters[contract_of(kind).identity.detail_type]

    assert sorted(ordered(kind, data) for data in held) == sorted(
        ordered(kind, data_of(event)) for event in events(kind)
    )


@KEPT
def test_a_route_answers_what_it_was_asked(lived: Lived, kind: Kind) -> None:
    model = record_of(kind)
    for asked, (status, answered) in lived.answers[kind]:
        assert status == HTTPStatus.OK
        assert (
            EQUAL.difference(read_closed(model, asked, extra=None), read_tolerant(model, answered, extra=None)) is None
        )
    for taken, read in lived.stored[kind]:
        assert EQUAL.difference(taken, read) is None
