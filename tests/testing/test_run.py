import logging
from datetime import timedelta

import pytest

from contradance.testing import Run, sample
from tests.testing.library import Asked, BookAsked, BookLent, BookRefused, Shelf, shelves


def test_a_request_is_answered_and_what_follows_waits_for_the_drain(run: Run) -> None:
    answer = run.request("POST", "/loans", sample(Asked))

    assert (answer.status, answer.body) == (201, {"loan": "loan-1"})
    assert answer.headers["content-type"] == "application/json"
    run.assert_published(BookAsked)
    run.assert_not_published(BookLent)
    run.drain()
    run.assert_delivered(BookAsked, to="loans.lend")
    assert run.assert_published(BookLent, loan="loan-1", number=1) == BookLent(loan="loan-1", number=1)


def test_a_request_that_is_refused_is_an_answer(run: Run) -> None:
    assert run.request("POST", "/loans", {"loan": "none"}).status == 409
    assert run.request("POST", "/loans").status == 422


def test_what_a_test_publishes_itself_is_not_what_was_published(run: Run) -> None:
    run.publish(sample(BookAsked))

    run.assert_not_published(BookAsked)
    run.drain()
    assert run.published(BookLent) == [BookLent(loan="loan-1", number=1)]


def test_a_delivery_is_told_by_its_attempts(run: Run) -> None:
    run.publish(BookLent(loan="late", number=1))
    run.drain()

    run.assert_delivered(BookLent, to="readers.tell", attempts=2)
    with pytest.raises(AssertionError, match=r"was delivered to readers\.tell in attempt 2"):
        run.assert_delivered(BookLent, to="readers.tell", attempts=1)


def test_a_dead_letter_is_found_by_its_reason(run: Run) -> None:
    run.publish(BookLent(loan="never", number=1))
    run.drain()

    assert run.assert_dead_lettered(BookLent, to="readers.tell", reason="the post is closed").attempt == 3
    with pytest.raises(AssertionError, match=r"is not a dead letter of readers\.tell"):
        run.assert_dead_lettered(BookLent, to="readers.tell", reason="something else")
    with pytest.raises(AssertionError, match="was not delivered"):
        run.assert_delivered(BookLent, to="readers.tell")


def test_a_dead_letter_that_nobody_asked_about_is_a_surprise(run: Run) -> None:
    run.publish(BookLent(loan="never", number=1))
    run.drain()

    with pytest.raises(AssertionError, match="1 event became a dead letter, which the test does not expect") as told:
        run.assert_no_surprise()

    assert "readers.tell  failed in attempt 3: dead letter" in str(told.value)
    assert len(run.dead_letters()) == 1
    run.assert_no_surprise()


def test_a_schedule_runs_when_the_test_asks_for_it(run: Run) -> None:
    flow = run.run_schedule("desk.close")
    run.drain()

    assert [one.correlation_id for one in run.flows()] == [flow]
    with pytest.raises(AssertionError, match=r"no scheduled function loans\.lend\. Scheduled functions: desk\.close\."):
        run.run_schedule("loans.lend")


@pytest.mark.parametrize("times", [0, 2])
def test_what_was_published_is_counted(run: Run, times: int) -> None:
    run.request("POST", "/loans", sample(Asked))
    run.drain()

    run.assert_published(BookLent, times=1)
    with pytest.raises(AssertionError, match=f"BookLent was published 1 time, not {times}"):
        run.assert_published(BookLent, times=times)


def test_an_assertion_that_fails_tells_what_happened_instead_and_no_value(run: Run) -> None:
    run.request("POST", "/loans", {"loan": "secret"})
    run.drain()

    with pytest.raises(AssertionError) as told:
        run.assert_published(BookRefused, loan="secret")

    assert str(told.value) == (
        "BookRefused with ['loan'] as given was never published.\n"
        "What happened:\n\n"
        "POST /loans  desk.ask\n└─ BookAsked\n   └─ loans.lend\n      └─ BookLent\n         └─ readers.tell\n"
    )


def test_before_anything_happens_an_assertion_says_what_to_do(run: Run) -> None:
    with pytest.raises(AssertionError, match=r"Nothing happened yet: drain\(\) delivers"):
        run.assert_published(BookLent)


def test_a_function_that_does_not_exist_is_a_mistake_in_the_test(run: Run) -> None:
    with pytest.raises(AssertionError, match=r"there is no function 'readers.tel'. Functions: desk.ask, "):
        run.assert_delivered(BookLent, to="readers.tel")


def test_a_day_passes_in_no_time(run: Run) -> None:
    run.advance(timedelta(days=2))

    assert [root.last.function for flow in run.flows() for root in flow.roots if hasattr(root, "last")] == [
        "desk.close",
        "desk.close",
    ]


def test_only_some_functions_are_delivered_to(run: Run) -> None:
    run.only("loans.lend")
    run.publish(sample(BookAsked))
    run.drain()
    run.advance(timedelta(days=2))

    run.assert_published(BookLent)
    run.assert_not_delivered(BookLent, to="readers.tell")
    (flow,) = run.flows()
    assert (flow.events, flow.deliveries, flow.waiting) == (2, 1, 0)
    with pytest.raises(AssertionError, match=r"BookAsked was delivered to loans\.lend: done"):
        run.assert_not_delivered(BookAsked, to="loans.lend")


def test_only_names_functions_and_services_that_exist(run: Run) -> None:
    run.only("loans", "readers.tell")
    with pytest.raises(AssertionError, match=r"there is no function and no service lended\. Functions: desk\.ask, "):
        run.only("loans", "lended")


def test_what_a_function_logs_and_prints_is_read(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.publish(BookLent(loan="loud", number=1))
    run.drain()

    assert [(line.function, line.level, line.text, dict(line.fields)) for line in run.logs] == [
        ("readers.tell", "INFO", "telling loud", {"shelf": 3}),
        ("readers.tell", "INFO", "told loud", {}),
    ]
    assert capsys.readouterr().out == "told loud\n"
    assert logging.getLogger("tests").level == logging.INFO


def test_a_table_is_prepared_and_read(run: Run) -> None:
    shelf = run.table(shelves)

    shelf.put(Shelf(book="loan-1", place=7), Shelf(book="other", place=1))
    run.publish(BookLent(loan="shelved", number=1))
    run.drain()

    assert shelf.get("loan-1") == Shelf(book="loan-1", place=7)
    assert shelf.get("none") is None
    assert sorted(one.book for one in shelf.items()) == ["loan-1", "other", "shelved"]
    shelf.delete("other")
    assert sorted(one.book for one in shelf.items()) == ["loan-1", "shelved"]
