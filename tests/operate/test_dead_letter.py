import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contradance.operate.aws.sqs import queue_message
from contradance.operate.dead_letter import DeadLetter, read_dead_letter
from tests.runtime.fakes import recorded

EVENT_ID = "0b6f2f1e-93cf-5f0a-8a5e-3b1d6f3a7c10"
SENT = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
HAPPENED = datetime(2026, 1, 1, tzinfo=UTC)
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/repairs-plan-repair-dead-letters"


def read(message: dict[str, Any]) -> DeadLetter:
    return read_dead_letter("repairs.plan_repair", queue_message(message))


def changed(name: str, **changes: Any) -> dict[str, Any]:
    """Return a recorded message, with some of its parts changed."""
    return {**recorded(name), **changes}


def failed(**changes: Any) -> DeadLetter:
    """Read Lambda's record, with some of its parts changed; None removes one."""
    record = {**recorded("lambda_on_failure"), **changes}
    kept = {name: value for name, value in record.items() if value is not None}
    return read(changed("dead_letter_failed", Body=json.dumps(kept)))


def test_what_eventbridge_could_not_deliver_is_undelivered() -> None:
    letter = read(recorded("dead_letter_undelivered"))

    assert (letter.subscriber, letter.reason, letter.attempts) == ("repairs.plan_repair", "undelivered", 186)
    assert letter.error == "THROTTLING: Rate Exceeded. (MaximumRetryAttempts)"
    assert letter.event == recorded("eventbridge")
    assert (letter.first_seen, letter.last_seen) == (HAPPENED, SENT)


def test_what_a_function_raised_on_every_attempt_is_failed() -> None:
    letter = read(recorded("dead_letter_failed"))

    assert (letter.reason, letter.attempts) == ("failed", 3)
    assert letter.error == "ConnectionError: the workshop does not answer"
    assert letter.event == recorded("lambda_on_failure")["requestPayload"]
    assert (letter.first_seen, letter.last_seen) == (HAPPENED, datetime(2026, 1, 1, 0, 3, 12, 345_000, tzinfo=UTC))


@pytest.mark.parametrize(("receives", "attempts"), [("7", 6), ("9", 8), ("3", 2)])
def test_what_sqs_moved_from_the_functions_queue_is_failed(receives: str, attempts: int) -> None:
    message = recorded("dead_letter_redriven")

    letter = read({**message, "Attributes": {**message["Attributes"], "ApproximateReceiveCount": receives}})

    assert (letter.reason, letter.attempts) == ("failed", attempts)
    assert letter.event == recorded("eventbridge")


def test_what_breaks_its_contract_is_invalid() -> None:
    letter = read(recorded("dead_letter_invalid"))

    assert letter.reason == "invalid"
    assert letter.error.startswith(f"event {EVENT_ID} breaks desk.tickets/TicketOpened v3\n  data.ticket_id: ")
    assert letter.event == recorded("eventbridge")


def test_what_waited_too_long_is_expired() -> None:
    message = recorded("dead_letter_invalid")
    message["MessageAttributes"]["REASON"]["StringValue"] = "expired"

    assert read(message).reason == "expired"


def test_a_moment_that_no_scheduler_could_deliver_is_undelivered_too() -> None:
    letter = read(recorded("dead_letter_undelivered_schedule"))

    assert (letter.reason, letter.event, letter.attempts) == ("undelivered", recorded("scheduler"), 4)
    assert letter.what == recorded("scheduler")["schedule"]


@pytest.mark.parametrize("body", ["no json", "[]", "5", '{"hello": "world"}', '{"requestContext": "x"}', "[" * 100_000])
def test_a_message_that_is_none_of_ours_is_unreadable_and_kept_as_it_is(body: str) -> None:
    message = changed("dead_letter_failed", Body=body)

    letter = read(message)

    assert (letter.reason, letter.event, letter.attempts) == ("unreadable", None, None)
    assert letter.message.body == body
    assert letter.event_id == message["MessageId"]


def test_an_event_that_was_too_large_for_its_record_is_not_there() -> None:
    letter = failed(requestPayload=None)

    assert (letter.reason, letter.event) == ("failed", None)


def test_an_event_that_was_never_tried_says_why_it_was_given_up() -> None:
    letter = failed(
        responsePayload=None,
        responseContext=None,
        requestContext={"requestId": "r", "condition": "EventAgeExceeded", "approximateInvokeCount": 0},
    )

    assert (letter.error, letter.attempts) == ("EventAgeExceeded", 0)


def test_of_what_pydantic_refused_no_input_is_shown() -> None:
    message = "1 validation error for Job\nowner\n  Input should be x [type=x, input_value='Jane Doe', input_type=str]"

    letter = failed(responsePayload={"errorMessage": message, "errorType": "ValidationError"})

    assert letter.error == "ValidationError: 1 validation error for Job"


FRAMES = [
    '  File "/opt/python/contradance/runtime/entry.py", line 34, in invoke\n    consume(\n',
    '  File "/var/task/functions/repairs/plan_repair.py", line 12, in plan_repair\n    call(workshop)\n',
    '  File "/opt/python/httpx/_client.py", line 300, in get\n    raise\n',
    '  File "/var/lang/lib/python3.13/socket.py", line 3, in connect\n    raise\n',
]


@pytest.mark.parametrize(
    ("frames", "place"),
    [
        (FRAMES, " (functions/repairs/plan_repair.py:12)"),
        (['  File "functions/repairs/plan_repair.py", line 7, in f\n'], " (functions/repairs/plan_repair.py:7)"),
        (FRAMES[:1], ""),
        ([], ""),
        (None, ""),
        ([5, None, "x"], ""),
        ("text", ""),
    ],
)
def test_a_failed_event_names_the_authors_last_line(frames: object, place: str) -> None:
    letter = failed(responsePayload={"errorMessage": "no answer", "errorType": "E", "stackTrace": frames})

    assert letter.error == f"E: no answer{place}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-01-01T00:00:33.123Z 11111111-2222-3333-4444-555555555555 Task timed out after 3.00 seconds",
         "2026-01-02T07:01:02.999Z 99999999-2222-3333-4444-555555555555 Task timed out after 3.00 seconds"),
        ("no ticket 6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11", "no ticket 0f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a12"),
    ],
)  # fmt: skip
def test_the_cause_is_the_same_for_all_that_died_of_it(one: str, other: str) -> None:
    causes = {failed(responsePayload={"errorMessage": text, "errorType": "E"}).cause for text in (one, other)}

    assert len(causes) == 1


def test_the_cause_tells_apart_what_died_of_something_else() -> None:
    first, second = (failed(responsePayload={"errorMessage": text, "errorType": "E"}).cause for text in ("a", "b"))

    assert first != second


def test_a_dead_letter_does_not_print_its_message() -> None:
    assert "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a" not in repr(read(recorded("dead_letter_failed")))


@pytest.mark.parametrize("count", [{"a": 1}, [3], "3", True, -1, 10**30, 1.5, None], ids=str)
def test_a_number_of_attempts_of_another_kind_is_unknown(count: object) -> None:
    context = {**recorded("lambda_on_failure")["requestContext"], "approximateInvokeCount": count}

    assert (failed(requestContext=context).reason, failed(requestContext=context).attempts) == ("failed", None)


@pytest.mark.parametrize(
    "time",
    [
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"),
        *("yesterday", "", 5, 1e999, True, {"a": 1}, ["2026-01-01T00:00:00Z"]),
    ],
    ids=str,
)
def test_a_time_that_no_calendar_has_is_unknown(time: object) -> None:
    letter = (
        failed(requestPayload={**recorded("eventbridge"), "time": time}, timestamp=time) if time != 1e999 else failed()
    )

    assert (letter.first_seen, letter.reason) == (SENT if time != 1e999 else HAPPENED, "failed")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_first_and_the_last_time_of_the_calendar_are_read(at: str) -> None:
    letter = failed(requestPayload={**recorded("eventbridge"), "time": at})

    assert letter.first_seen.isoformat() == at.replace("Z", "+00:00")


@pytest.mark.parametrize("odd", [{"name": "Jane"}, ["Jane"], 5, 1.5, True, None, ""], ids=str)
def test_a_name_of_another_kind_is_not_shown(odd: object) -> None:
    event = recorded("eventbridge")
    detail = {**event["detail"], "metadata": {**event["detail"]["metadata"], "event_id": odd}}

    letter = failed(requestPayload={**event, "id": odd, "detail-type": odd, "detail": detail})

    assert (letter.event_id, letter.what) == (letter.message.id, "unknown")


@pytest.mark.parametrize("odd", [{"name": "Jane"}, ["Jane"], 5, True, None], ids=str)
def test_an_error_of_another_kind_is_not_shown(odd: object) -> None:
    for response in ({"errorType": odd, "errorMessage": odd}, odd):
        assert "Jane" not in failed(responsePayload=response).error


@pytest.mark.parametrize(
    "body",
    [
        *("", "x", "[]", "5", '"text"', "null", "NaN", '{"detail-type": 1e999}', '{"detail-type": NaN}', "\ud800"),
        *('{"detail-type": "\\ud800"}', '{"a":' * 3_000 + "1" + "}" * 3_000, '{"detail-type": ' + "9" * 5_000 + "}"),
    ],
    ids=range(13),
)
def test_a_message_that_holds_no_event_is_unreadable(body: str) -> None:
    letter = read({**recorded("dead_letter_redriven"), "Body": body})

    assert (letter.reason, letter.event) == ("unreadable", None)


def test_an_event_id_of_any_length_is_shown_within_its_bound() -> None:
    letter = failed(requestPayload={**recorded("eventbridge"), "id": "x" * 100_000, "detail": {}})

    assert len(letter.event_id) == 256


@pytest.mark.parametrize("retries", ["", "x", "-1", "1.5", "9" * 5_000, "\u0663\u0663" * 10], ids=range(6))
def test_a_number_of_retries_that_is_none_is_unknown(retries: str) -> None:
    attributes = {"ERROR_CODE": {"StringValue": "a"}, "RETRY_ATTEMPTS": {"StringValue": retries}}

    assert read(changed("dead_letter_undelivered", MessageAttributes=attributes)).attempts is None
