"""A term that selects what a command acts on: a whole name, or a beginning that only one id has."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contradance import Retry
from contradance.errors import OperateError
from contradance.local.laptop import Laptop
from contradance.local.rehearsal import pending_events
from contradance.local.state.ids import acting_term
from contradance.operate.shortened_id import whole_id
from tests.local.desk import Desk, always_fails, ask, asked, opened

PENDING = {
    "order-1000": ("flow-of-a", "tea"),
    "order-10001": ("flow-of-b", "milk"),
    "order-20000": ("order-1000-flow", "order-1000"),
    "order-20001": ("flow-of-d", "order-2000"),
}
"""Ids of events that wait for a retry, each with its flow and its subject: an event of others may have any."""
DONE = "order-3000"
"""The id of an event that is completed; `order-30009` waits."""


def entry(event_id: str, flow: str, item: str) -> dict[str, Any]:
    found = asked(item)
    detail = json.loads(found["Detail"])
    detail["metadata"] |= {"event_id": event_id, "correlation_id": flow}
    return {**found, "Detail": json.dumps(detail)}


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    def fails_but_for_salt(item: str, attempt: int) -> None:
        if item != "salt":
            always_fails(item, attempt)

    clerk = Desk().clerk(does=fails_but_for_salt, delivery="queue", retry=Retry(times=9))
    entries = [entry(event_id, *rest) for event_id, rest in PENDING.items()]
    entries += [entry(DONE, "flow-of-e", "salt"), entry("order-30009", "flow-of-f", "sugar")]
    with opened(Path(tmp_path_factory.mktemp("laptop")), clerk) as laptop:
        assert laptop.bus.put_events(Entries=entries)["FailedEntryCount"] == 0
        laptop.advance(timedelta(0))
        yield laptop


@pytest.mark.parametrize(
    ("term", "selected"),
    [
        ("order-1000", {"order-1000", "order-20000"}),  # an id, and the subject of another flow
        ("order-10001", {"order-10001"}),
        ("order-100", ["order-1000", "order-1000-flow", "order-10001"]),
        ("order-1000-", {"order-20000"}),  # the only flow of this beginning
        ("order-2000", {"order-20001"}),  # a subject, which is whole, and not the beginning of ids
        ("flow-of-b", {"order-10001"}),
        ("flow-of-", ["flow-of-a", "flow-of-b"]),
        ("flow-of", set()),  # fewer than eight characters
        ("clerk.listen", {*PENDING, "order-30009"}),
        ("clerk.li", set()),
        (DONE, set()),  # completed: not another event that begins with it
        ("order-30", ["order-3000", "order-30009"]),
        ("order-3000", set()),
        ("order-30009", {"order-30009"}),
        ("another-id", set()),
        ("", set()),
    ],
)
def test_an_action_takes_what_is_named_whole_or_by_a_beginning_that_one_id_has(
    laptop: Laptop, term: str, selected: set[str] | list[str]
) -> None:
    if isinstance(selected, list):
        for act in (laptop.retry, lambda one: acting_term(laptop.database.read, one)):
            with pytest.raises(OperateError, match=f"'{term}' is the beginning of several ids") as refused:
                act(term)
            assert all(one in str(refused.value) for one in selected)
        return

    assert {one.event_id for one in laptop.retry(term)} == selected
    assert {
        one.event_id for one in pending_events(laptop.database, acting_term(laptop.database.read, term))
    } == selected
    laptop.database.write(lambda connection: connection.execute("UPDATE delivery SET due = due + 60"))


def test_a_flow_and_a_function_are_selected_by_their_names_alone(laptop: Laptop) -> None:
    assert laptop.retry("order-1000", "flow") == []
    assert laptop.retry("order-1000", "function") == []


def test_one_event_is_read_by_a_beginning_that_one_event_has(laptop: Laptop) -> None:
    for whole in (*PENDING, DONE):
        found = json.loads(laptop.journal.envelope(whole) or "")
        assert found["detail"]["metadata"]["event_id"] == whole
    assert json.loads(laptop.journal.envelope("order-3000") or "")["detail"]["metadata"]["event_id"] == "order-3000"
    assert laptop.journal.envelope("order-1000-") is None  # no event, but a flow
    with pytest.raises(OperateError, match="order-1000, order-10001"):
        laptop.journal.envelope("order-10")


def test_a_refusal_lists_ten_candidates_at_most() -> None:
    with pytest.raises(OperateError) as refused:
        whole_id("order-10", (f"order-10{number:02}" for number in range(99)))

    assert str(refused.value).endswith("order-1008, order-1009, ...")


@pytest.mark.parametrize(
    ("term", "selected"),
    [
        (None, ["one b", "one lamp-shade", "two b", "two lamp-shade"]),
        ("clerk.one", ["one b", "one lamp-shade"]),
        ("clerk.on", []),
        ("event-lamp-shade", ["one lamp-shade", "two lamp-shade"]),
        ("event-la", ["one lamp-shade", "two lamp-shade"]),
        ("event-l", []),
        ("flow-lam", ["one lamp-shade", "two lamp-shade"]),
        ("flow-la", []),
        ("flow-b", ["one b", "two b"]),
        ("lamp-shade", ["one lamp-shade", "two lamp-shade"]),
        ("lamp-shad", []),
        ("zzzzzzzz", []),
    ],
    ids=str,
)
def test_a_term_selects_a_function_an_id_its_beginning_or_a_subject(
    tmp_path: Path, term: str | None, selected: list[str]
) -> None:
    desk = Desk()
    with opened(tmp_path, desk.clerk("one", always_fails), desk.clerk("two", always_fails)) as laptop:
        ask(laptop, "lamp-shade", "b")
        laptop.advance(timedelta(seconds=1))
        desk.calls.clear()

        retried = laptop.retry(term)
        laptop.advance(timedelta(seconds=1))
        again = laptop.retry(term)

    names = sorted(f"{one.function.removeprefix('clerk.')} {one.event_id.removeprefix('event-')}" for one in retried)
    assert names == selected == sorted(f"{call.function} {call.item}" for call in desk.calls)
    assert {call.attempt for call in desk.calls} == {one.attempt for one in retried} <= {2}
    assert {one.attempt for one in again} <= {3}, "the pause of the next attempt begins anew"
    assert len(again) == len(retried)


def test_a_delivery_that_is_due_is_not_retried(tmp_path: Path) -> None:
    with opened(tmp_path, Desk().clerk()) as laptop:
        ask(laptop, "a")

        assert laptop.retry(None) == []
