from collections.abc import Iterator
from pathlib import Path

import pytest

from contradance.errors import DeclarationError
from contradance.local.laptop import Laptop
from contradance.operate.why import Why, why
from contradance.testing import Run, running, sample
from tests.testing.library import TRIES, BookAsked, BookLent, library


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    TRIES["count"] = 0
    with running(library, tmp_path) as started:
        yield started


def about(laptop: Laptop, event_id: str, subscriber: str | None = None) -> list[Why]:
    """Return what became of an event."""
    envelope = laptop.journal.envelope(event_id)
    assert envelope is not None
    records = laptop.journal.flows(event_id)
    flows = {record.correlation_id for record in records} | {str(laptop.bus.name)}
    return why(library, subscriber, envelope, records, laptop.journal.outstanding(flows))


def test_an_event_that_was_handled_is_done_and_says_what_it_led_to(laptop: Laptop, tmp_path: Path) -> None:
    event = Run(laptop, [], tmp_path).publish(sample(BookAsked))
    laptop.drain()

    (found,) = about(laptop, event, "loans.lend")

    assert (found.verdict, found.mismatch) == ("done", None)
    assert found.published == ("library.loans/BookLent v1",)


def test_an_event_that_no_rule_takes_is_not_matched_by_a_field(laptop: Laptop, tmp_path: Path) -> None:
    event = Run(laptop, [], tmp_path).publish(sample(BookAsked))
    laptop.drain()

    (found,) = about(laptop, event, "tell")

    assert found.verdict == "not matched"
    assert found.mismatch is not None
    assert found.mismatch.path in ("source", "detail-type")
    assert found.attempts == ()


def test_a_dead_letter_shows_every_attempt(laptop: Laptop, tmp_path: Path) -> None:
    event = Run(laptop, [], tmp_path).publish(BookLent(loan="never", number=1))
    laptop.drain()

    (found,) = about(laptop, event, "readers.tell")

    assert found.verdict == "dead letter"
    assert [one.outcome for one in found.attempts] == ["failed", "failed", "failed"]


def test_an_event_that_waits_says_until_when(laptop: Laptop, tmp_path: Path) -> None:
    event = Run(laptop, [], tmp_path).publish(sample(BookAsked))
    envelope = laptop.journal.envelope(event)
    assert envelope is not None
    (flow,) = {row[0] for row in laptop.database.read("SELECT correlation_id FROM delivery")}

    (found,) = why(library, "lend", envelope, [], laptop.journal.outstanding([flow]))

    assert (found.verdict, found.due) == ("waiting", laptop.clock.now())


def test_an_event_older_than_its_subscriber_was_never_delivered(laptop: Laptop, tmp_path: Path) -> None:
    event = Run(laptop, [], tmp_path).publish(sample(BookAsked))
    envelope = laptop.journal.envelope(event)
    assert envelope is not None

    (found,) = why(library, "lend", envelope, [], [])

    assert (found.verdict, found.mismatch) == ("never delivered", None)


def test_without_a_subscriber_every_one_answers(laptop: Laptop, tmp_path: Path) -> None:
    event = Run(laptop, [], tmp_path).publish(sample(BookAsked))
    laptop.drain()

    assert [(one.subscriber, one.verdict) for one in about(laptop, event)] == [
        ("loans.lend", "done"),
        ("readers.tell", "not matched"),
    ]


def test_an_event_that_another_program_published_without_metadata_is_explained_too(laptop: Laptop) -> None:
    entry = {"Source": "library.desk", "DetailType": "BookAsked", "Detail": "{}", "EventBusName": "library"}
    (result,) = laptop.bus.put_events(Entries=[entry])["Entries"]
    laptop.drain()

    (found,) = about(laptop, result["EventId"], "lend")

    assert (found.verdict, found.event_id) == ("not matched", result["EventId"])
    assert found.mismatch is not None
    assert found.mismatch.path == "detail.metadata.version"
    assert found.as_json()["due"] is None


def test_an_id_is_found_by_its_beginning_and_nothing_by_another(laptop: Laptop, tmp_path: Path) -> None:
    event = Run(laptop, [], tmp_path).publish(sample(BookAsked))

    assert laptop.journal.envelope(event[:8]) == laptop.journal.envelope(event)
    assert laptop.journal.envelope(event[:7]) is None


def test_a_subscriber_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(DeclarationError, match=r"has no subscriber 'lends'.\n  Subscribers: loans.lend, readers.tell"):
        why(library, "lends", '{"source": "a.b", "detail-type": "C", "id": "1", "detail": {}}', [], [])
