"""The next attempt now: which postponed deliveries a term selects, and when they are made."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.local.desk import Desk, always_fails, ask, opened


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
