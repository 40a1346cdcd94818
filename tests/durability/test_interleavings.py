"""Random interleavings of all that can go wrong, against a model of what must hold."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contradance import Choreography, Contract, Registry, Table, subscriber
from contradance.envelope import seal
from contradance.local.clock import VirtualClock
from contradance.local.invocation.in_flight import FILE
from contradance.local.laptop import Laptop
from contradance.runtime.once import OnceState
from tests.examples import examples


class Asked(Contract, source="lab.questions", subject="name"):
    name: str


class Answered(Contract, source="lab.answers", subject="name"):
    name: str


class Power(BaseException):
    """The power fails: the process ends wherever it is."""


class Mishaps:
    """What happens to a handler when it handles a name."""

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()
        self.power_cuts: Counter[str] = Counter()
        self.power_is_out = False

    def strike(self, handler: str, name: str) -> None:
        """Raise what is due."""
        key = f"{handler}:{name}"
        if self.power_cuts[key]:
            self.power_cuts[key] -= 1
            self.power_is_out = True
        if self.failures[key]:
            self.failures[key] -= 1
            raise RuntimeError("this attempt fails")


class Tally(Asked, source="lab.tally", subject="name"):
    times: int


answers = Table("answers", key=("name",), model=Tally, service="answers")
grades = Table("grades", key=("name",), model=Tally, service="grades")
mishaps = Mishaps()


@subscriber(service="answers", uses=[answers.write])
def answer(asked: Asked) -> Answered:
    before = answers.get(asked.name)
    answers.put(Tally(name=asked.name, times=before.times + 1 if before else 1))
    mishaps.strike("answer", asked.name)
    return Answered(name=asked.name)


@subscriber(service="grades", uses=[grades.write], delivery="queue")
def grade(answered: Answered) -> None:
    before = grades.get(answered.name)
    grades.put(Tally(name=answered.name, times=before.times + 1 if before else 1))
    mishaps.strike("grade", answered.name)


lab = Choreography("lab", contracts=Registry("lab", [Asked, Answered]), functions=[answer, grade])
NAMES = st.sampled_from(["ann", "bo", "cy"])
HANDLERS = st.sampled_from(["answer", "grade"])


class Interleavings(RuleBasedStateMachine):
    """The lab's laptop, and a model: which names were asked, and so have to be answered and graded once."""

    @initialize(at_once=st.booleans())
    def open(self, at_once: bool) -> None:
        self.state, self.at_once = Path(mkdtemp(prefix="contradance-lab-")), at_once
        self.clock, self.asked = VirtualClock(), set[str]()
        mishaps.__init__()  # type: ignore[misc]  # a world without mishaps
        self.laptop = self.start()

    def start(self) -> Laptop:
        laptop = Laptop(
            lab, self.state, clock=self.clock, variables={}, synchronous="OFF", publish_at_once=self.at_once
        )
        commit = laptop.environment.store.commit

        def mortal_commit(*work: Any) -> OnceState:
            if mishaps.power_is_out:
                shutil.copy(self.state / FILE, self.state / "at-the-end")
                raise Power
            return commit(*work)

        laptop.environment.store.commit = mortal_commit  # type: ignore[method-assign,assignment]
        return laptop

    @rule(name=NAMES)
    def publish(self, name: str) -> None:
        """Ask about a name; again, it is a duplicate: the same event under the same id."""
        event = seal(
            Asked(name=name), event_id=name, occurred_at=self.clock.now(), correlation_id=name, publisher="lab.test"
        )
        answered = self.laptop.bus.put_events(Entries=[event.entry("lab")])
        assert answered["FailedEntryCount"] == 0
        self.asked.add(name)

    @rule(handler=HANDLERS, name=NAMES, times=st.integers(1, 2))
    def fail(self, handler: str, name: str, times: int) -> None:
        mishaps.failures[f"{handler}:{name}"] = times

    @rule(handler=HANDLERS, name=NAMES)
    def cut_power(self, handler: str, name: str) -> None:
        mishaps.power_cuts[f"{handler}:{name}"] = 1

    @rule(minutes=st.integers(0, 5))
    def pass_time(self, minutes: int) -> None:
        self.surviving(lambda: self.laptop.advance(timedelta(minutes=minutes)))

    @rule()
    def crash(self) -> None:
        """End the process between two steps: what was to be written with the next commit is lost."""
        self.laptop.database._jobs.clear()
        self.laptop.close()
        if mishaps.power_is_out:
            mishaps.power_is_out = False
            shutil.move(self.state / "at-the-end", self.state / FILE)
        self.laptop = self.start()

    @rule()
    def restart(self) -> None:
        self.laptop.close()
        self.laptop = self.start()

    def surviving(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Power:
            self.crash()

    @invariant()
    def nothing_is_done_twice(self) -> None:
        if hasattr(self, "laptop"):
            assert {times for _, times in self.tallies("answers")} <= {1}
            assert {times for _, times in self.tallies("grades")} <= {1}

    def tallies(self, service: str) -> list[tuple[str, int]]:
        rows = self.laptop.database.read("SELECT document FROM item WHERE table_name = ?", (f"{service}.{service}",))
        return [(tally.name, tally.times) for tally in (Tally.model_validate_json(document) for (document,) in rows)]

    def dead(self, function: str) -> set[str]:
        """Return the names in the events that a function's dead letter queue holds."""
        rows = self.laptop.database.read("SELECT body FROM dead_letter WHERE function = ?", (function,))
        letters = [json.loads(body) for (body,) in rows]
        return {letter.get("requestPayload", letter)["detail"]["data"]["name"] for letter in letters}

    def teardown(self) -> None:
        """Let everything come to rest: what was asked is answered and graded, or kept as a dead letter."""
        if not hasattr(self, "laptop"):
            return
        for _ in range(20):
            self.pass_time(60)
            self.laptop.sweep()
        self.surviving(self.laptop.drain)
        answered, graded = dict(self.tallies("answers")).keys(), dict(self.tallies("grades")).keys()
        published = self.laptop.database.read(
            "SELECT DISTINCT event_id FROM event WHERE envelope ->> '$.source' = 'lab.answers'"
        )
        assert self.asked - answered <= self.dead("answers.answer")
        assert answered - graded <= self.dead("grades.grade")
        assert graded <= answered <= self.asked
        assert len(published) == len(answered)
        assert self.laptop.database.read("SELECT count(*) FROM delivery") == [(0,)]
        self.laptop.close()
        shutil.rmtree(self.state)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(examples(30), stateful_step_count=30)
