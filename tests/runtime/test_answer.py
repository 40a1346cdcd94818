"""Answering one HTTP request, as API Gateway hands it over."""

import base64
import json
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, cast
from uuid import UUID, uuid5

import pytest
from pydantic import BaseModel, BeforeValidator, Field

from contradance import Delivery, HttpError, Reply, Value, route
from contradance.annotation import type_name
from contradance.choreography import AnyFunction
from contradance.runtime.request import MAX_IDEMPOTENCY_KEY
from tests.runtime.desk import TICKET, NewTicket, TicketClosed, TicketOpened, TicketView, opened, tickets
from tests.runtime.fakes import Outage, World, recorded

VALID = {"owner": "Jane Doe", "items": [{"name": "kettle", "count": 1}]}


@route("POST /tickets", status=201, service="tickets", uses=[tickets.write])
def open_ticket(ticket: NewTicket, delivery: Delivery) -> Reply[TicketView, TicketOpened]:
    ticket_id = uuid5(TICKET, delivery.idempotency_key)
    view = TicketView(ticket_id=ticket_id, items=len(ticket.items))
    tickets.put(view)
    return Reply(view, publishes=opened(ticket_id=ticket_id, owner=ticket.owner))


class Channel(StrEnum):
    WEB = "web"
    DESK = "desk"


class Asked(BaseModel):
    """What a route was asked, as its handler understood it."""

    ticket_id: UUID
    limit: int
    channel: Channel | None
    since: date | None


@route("GET /tickets/{ticket_id}", service="tickets")
def show_ticket(ticket_id: UUID, limit: int, channel: Channel | None = None, since: date | None = None) -> Asked:
    return Asked(ticket_id=ticket_id, limit=limit, channel=channel, since=since)


def post(body: object = VALID, *, key: str | None = None, path: str = "/tickets", **headers: str) -> dict[str, Any]:
    """Return the recorded POST with another body; text and bytes are sent as they are."""
    request = recorded("http_post")
    request["rawPath"] = path
    del request["headers"]["idempotency-key"]
    request["headers"] |= headers | ({} if key is None else {"idempotency-key": key})
    if isinstance(body, bytes):
        request |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    else:
        request["body"] = body if isinstance(body, str) else json.dumps(body)
    return request


def get(path: dict[str, str] | None = None, query: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the recorded GET, without what is None."""
    request = recorded("http_get")
    del request["pathParameters"], request["queryStringParameters"]
    return (
        request
        | ({} if path is None else {"pathParameters": path})
        | ({} if query is None else {"queryStringParameters": query})
    )


def stored(world: World) -> int:
    """Return how many tickets are committed."""
    return len(world.store.scan(tickets.name, 1000, None))


class TestRecordedRequests:
    def test_a_post_is_answered_stored_published_and_journaled(self, world: World) -> None:
        status, body = world.ask(open_ticket, recorded("http_post"))

        (event,), (record,) = world.published, world.journal.records
        assert status == 201
        assert body == {"ticket_id": event["data"]["ticket_id"], "items": 1}
        assert stored(world) == 1
        assert event["metadata"]["publisher"] == "tickets.open_ticket"
        assert event["metadata"]["subject"] == body["ticket_id"]
        assert "causation_id" not in event["metadata"]
        assert (record.function, record.trigger) == ("tickets.open_ticket", "POST /tickets")
        assert (record.outcome, record.event_id, record.causation_id) == ("done", None, None)
        assert record.subject == body["ticket_id"]
        assert record.correlation_id == event["metadata"]["correlation_id"]
        assert [published.event_id for published in record.published] == world.published_ids

    def test_a_body_in_base64_is_read(self, world: World) -> None:
        status, _ = world.ask(open_ticket, recorded("http_post_base64"))

        (event,) = world.published
        assert status == 201
        assert event["data"]["owner"] == "Jané Doe"

    def test_a_get_is_answered_and_leaves_no_record(self, world: World) -> None:
        status, body = world.ask(show_ticket, recorded("http_get"))

        assert status == 200
        assert body == {"ticket_id": str(TICKET), "limit": 5, "channel": "web", "since": None}
        assert world.journal.records == []

    def test_the_trace_context_of_the_client_travels_on(self, world: World) -> None:
        traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

        world.ask(open_ticket, post(traceparent=traceparent))

        assert world.published[0]["metadata"]["traceparent"] == traceparent

    def test_each_request_without_a_key_is_a_new_one(self, world: World) -> None:
        bodies = [world.ask(open_ticket, post(), "request-1")[1] for _ in range(2)]

        assert bodies[0] != bodies[1]
        assert stored(world) == 2
        assert len({event["metadata"]["correlation_id"] for event in world.published}) == 2
        assert [record.attempt for record in world.journal.records] == [1, 1]


class TestBadInput:
    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            ("", ["body"]),
            ("Jane Doe", ["body"]),
            ("{", ["body"]),
            ('{"owner": "Jane Doe",}', ["body"]),
            ('{"owner": NaN}', ["body.owner", "body.items"]),
            ("null", ["body"]),
            ("[]", ["body"]),
            ('"Jane Doe"', ["body"]),
            ("{}", ["body.owner", "body.items"]),
            ({**VALID, "owner": 7}, ["body.owner"]),
            ({**VALID, "owner": "Jane Doe " * 10}, ["body.owner"]),
            ({**VALID, "owner": {"Jane": "Doe"}}, ["body.owner"]),
            ({**VALID, "items": []}, ["body.items"]),
            ({**VALID, "items": [{"name": "kettle", "count": 0}]}, ["body.items.0.count"]),
            ({**VALID, "items": [{"name": "kettle", "count": "Jane"}]}, ["body.items.0.count"]),
            ({**VALID, "items": [{}, 7]}, ["body.items.0.name", "body.items.0.count", "body.items.1"]),
            ({**VALID, "ticket_id": str(TICKET)}, ["body.ticket_id"]),
            ({**VALID, "items": [{"name": "kettle", "count": 1, "price": "Jane"}]}, ["body.items.0.price"]),
            (b"\xff\xfe\x00Jane", ["body"]),
            ('{"owner": "Jane'.encode("utf-16"), ["body"]),
            (b'{"owner": "\xc3\x28 Jane", "items": []}', ["body"]),
            (b"", ["body"]),
            ('{"owner": "\\ud800 Jane"}', ["body"]),
            ("[" * 100_000, ["body"]),
            ('{"owner":' * 50_000, ["body"]),
            ('{"owner": "Jane", "items": ' + "[" * 150 + "]" * 150 + "}", ["body.items.0"]),
            ('{"owner": ' + "9" * 5000 + "}", ["body"]),
        ],
        ids=lambda value: str(value)[:24] if not isinstance(value, list) else "",
    )
    def test_a_bad_body_is_told_by_field_and_without_its_values(
        self, world: World, body: object, fields: list[str]
    ) -> None:
        status, answer = world.ask(open_ticket, post(body))

        assert status == 422
        assert answer["message"] == "The request is not valid."
        assert {*answer} == {"message", "errors"}
        assert [error["field"] for error in answer["errors"]] == fields
        assert all({*error} == {"field", "message"} and error["message"] for error in answer["errors"])
        assert "Jane" not in json.dumps(answer)
        assert stored(world) == 0
        assert world.events.calls == []
        assert world.journal.records == []

    def test_a_request_without_a_body_is_told(self, world: World) -> None:
        request = post()
        del request["body"]

        status, answer = world.ask(open_ticket, request)

        assert (status, [error["field"] for error in answer["errors"]]) == (422, ["body"])

    @pytest.mark.parametrize(
        ("path", "query", "fields"),
        [
            (None, None, ["path.ticket_id", "query.limit"]),
            ({}, {}, ["path.ticket_id", "query.limit"]),
            ({"ticket_id": "Jane"}, {"limit": "1"}, ["path.ticket_id"]),
            ({"ticket_id": str(TICKET)}, {"limit": ""}, ["query.limit"]),
            ({"ticket_id": str(TICKET)}, {"limit": "Jane"}, ["query.limit"]),
            ({"ticket_id": str(TICKET)}, {"limit": "1.5"}, ["query.limit"]),
            ({"ticket_id": str(TICKET)}, {"limit": "9" * 5000}, ["query.limit"]),
            ({"ticket_id": str(TICKET)}, {"limit": "1", "channel": "Jane"}, ["query.channel"]),
            ({"ticket_id": str(TICKET)}, {"limit": "1", "since": "Jane"}, ["query.since"]),
            ({"ticket_id": "Jane"}, {"since": "Jane"}, ["path.ticket_id", "query.limit", "query.since"]),
        ],
        ids=["none", "empty", "id", "no number", "text", "fraction", "huge", "choice", "date", "all"],
    )
    def test_bad_parameters_are_told_all_at_once(
        self, world: World, path: dict[str, str] | None, query: dict[str, str] | None, fields: list[str]
    ) -> None:
        status, answer = world.ask(show_ticket, get(path, query))

        assert status == 422
        assert [error["field"] for error in answer["errors"]] == fields
        assert "Jane" not in json.dumps(answer)

    def test_unknown_parameters_are_ignored(self, world: World) -> None:
        status, _ = world.ask(show_ticket, get({"ticket_id": str(TICKET)}, {"limit": "1", "utm_source": "mail"}))

        assert status == 200

    def test_an_optional_parameter_has_its_default(self, world: World) -> None:
        _, body = world.ask(show_ticket, get({"ticket_id": str(TICKET)}, {"limit": "1"}))

        assert (body["channel"], body["since"]) == (None, None)

    def test_bad_parameters_and_a_bad_body_are_told_together(self, world: World) -> None:
        @route("PUT /tickets/{ticket_id}", service="tickets")
        def change_ticket(ticket_id: UUID, ticket: NewTicket, notify: bool) -> TicketView:
            return TicketView(ticket_id=ticket_id, items=len(ticket.items) + notify)

        status, answer = world.ask(change_ticket, {**post({}), "pathParameters": {"ticket_id": "7"}})

        assert status == 422
        assert [error["field"] for error in answer["errors"]] == [
            "path.ticket_id",
            "query.notify",
            "body.owner",
            "body.items",
        ]


def journaled(world: World) -> str:
    """Return the failures in the journal as text."""
    return "".join(record.model_dump_json() for record in world.journal.records if record.outcome == "failed")


def refusing(error: Exception) -> AnyFunction:
    """Return a route that writes, then raises."""

    @route("POST /tickets", status=201, service="tickets", uses=[tickets.write])
    def refuse_ticket(ticket: NewTicket) -> Reply[TicketView, TicketOpened]:
        tickets.put(TicketView(ticket_id=TICKET, items=len(ticket.items)))
        raise error

    return refuse_ticket


class TestErrors:
    def test_an_http_error_is_answered_as_it_is_and_leaves_nothing(self, world: World) -> None:
        answer = world.ask(refusing(HttpError(409, "There is such a ticket.")), post())

        assert answer == (409, {"message": "There is such a ticket."})
        assert stored(world) == 0
        assert world.events.calls == []
        assert world.journal.records == []

    def test_a_crash_is_a_500_without_details_and_is_journaled(self, world: World) -> None:
        answer = world.ask(refusing(Outage("the workshop does not answer")), post())

        (record,) = world.journal.records
        assert answer == (500, {"message": "Internal Server Error"})
        assert stored(world) == 0
        assert world.events.calls == []
        assert (record.function, record.trigger, record.outcome) == ("tickets.refuse_ticket", "POST /tickets", "failed")
        assert record.attempt == 1
        assert (record.error or "").startswith("Outage: the workshop does not answer (")
        assert "raise error" in (record.traceback or "")
        assert "in _answer" not in (record.traceback or "")
        assert record.is_request
        assert not record.dead

    def test_what_pydantic_refused_in_a_handler_is_journaled_without_its_value(self, world: World) -> None:
        @route("POST /tickets", service="tickets")
        def open_ticket(ticket: NewTicket) -> TicketView:
            return TicketView.model_validate({"ticket_id": ticket.owner, "items": 1})

        answer = world.ask(open_ticket, post())

        assert answer == (500, {"message": "Internal Server Error"})
        assert "ticket_id: Input should be a valid UUID" in journaled(world)
        assert "Jane" not in journaled(world)

    def test_an_outage_of_the_bus_is_a_500_and_the_event_is_kept(self, world: World) -> None:
        world.events.outage = True
        status, _ = world.ask(open_ticket, post(key="key-1"), "request-1")

        world.events.outage = False
        again = world.ask(open_ticket, post(key="key-1"), "request-2")

        assert (status, again[0]) == (500, 201)
        assert stored(world) == 1
        assert [event["data"]["ticket_id"] for event in world.published] == [again[1]["ticket_id"]]
        assert "Outage" in journaled(world)


class TestIdempotencyKey:
    def test_a_repeated_request_gets_the_same_answer_and_has_no_other_effect(self, world: World) -> None:
        answers = [world.ask(open_ticket, post(key="key-1"), f"request-{number}") for number in range(3)]

        assert answers[0][0] == 201
        assert answers[0] == answers[1] == answers[2]
        assert stored(world) == 1
        assert len(world.published) == 1
        assert world.outcomes == ["done"]

    def test_another_key_is_another_request(self, world: World) -> None:
        first, second = (world.ask(open_ticket, post(key=key), key) for key in ("key-1", "key-2"))

        assert first != second
        assert stored(world) == 2

    def test_a_key_belongs_to_one_route(self, world: World) -> None:
        @route("POST /returns", service="tickets")
        def return_ticket(ticket: NewTicket) -> TicketView:
            return TicketView(ticket_id=TICKET, items=9)

        world.ask(open_ticket, post(key="key-1"), "request-1")
        status, body = world.ask(return_ticket, post(key="key-1"), "request-2")

        assert (status, body["items"]) == (200, 9)

    @pytest.mark.parametrize(
        "other",
        [post({**VALID, "owner": "Jack Doe"}, key="key-1"), post(key="key-1", path="/tickets/")],
        ids=["body", "path"],
    )
    def test_a_key_that_was_used_for_another_request_is_refused(self, world: World, other: dict[str, Any]) -> None:
        world.ask(open_ticket, post(key="key-1"), "request-1")

        status, answer = world.ask(open_ticket, other, "request-2")

        assert status == 422
        assert answer["errors"] == [{"field": "headers.idempotency-key", "message": "Was used for another request"}]
        assert stored(world) == 1
        assert len(world.published) == 1

    def test_the_same_request_while_the_first_is_running_is_told_to_wait(self, world: World) -> None:
        answers: list[tuple[int, Any]] = []

        @route("POST /tickets", status=201, service="tickets", uses=[tickets.write])
        def open_ticket(ticket: NewTicket) -> Reply[TicketView, TicketOpened]:
            if not answers:
                answers.append(world.ask(open_ticket, post(key="key-1"), "request-2"))
            view = TicketView(ticket_id=TICKET, items=len(ticket.items))
            tickets.put(view)
            return Reply(view, publishes=opened())

        status, _ = world.ask(open_ticket, post(key="key-1"), "request-1")

        assert answers == [(409, {"message": "The same request is still being answered. Try again in a moment."})]
        assert status == 201
        assert stored(world) == 1
        assert len(world.published) == 1

    @pytest.mark.parametrize("error", [Outage("not now"), HttpError(503, "Not now.")], ids=["crash", "http error"])
    def test_a_request_that_failed_can_be_repeated_at_once(self, world: World, error: Exception) -> None:
        errors = [error]

        @route("POST /tickets", status=201, service="tickets", uses=[tickets.write])
        def open_ticket(ticket: NewTicket) -> TicketView:
            view = TicketView(ticket_id=TICKET, items=len(ticket.items))
            tickets.put(view)
            if errors:
                raise errors.pop()
            return view

        failed, _ = world.ask(open_ticket, post(key="key-1"), "request-1")
        again, _ = world.ask(open_ticket, post(key="key-1"), "request-2")

        assert failed in (500, 503)
        assert again == 201
        assert stored(world) == 1

    def test_a_request_whose_process_died_can_be_repeated_when_its_lease_has_ended(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            """The process ends."""

        def die(*_: object) -> None:
            raise Killed

        monkeypatch.setattr(world.store, "commit", die)
        with pytest.raises(Killed):
            world.ask(open_ticket, post(key="key-1"), "request-1")
        monkeypatch.undo()
        early, _ = world.ask(open_ticket, post(key="key-1"), "request-2")
        world.clock.sleep(31)
        late, _ = world.ask(open_ticket, post(key="key-1"), "request-3")

        assert (early, late) == (409, 201)

    def test_a_request_that_is_not_valid_does_not_use_up_its_key(self, world: World) -> None:
        bad, _ = world.ask(open_ticket, post({}, key="key-1"), "request-1")

        good, _ = world.ask(open_ticket, post(key="key-1"), "request-2")

        assert (bad, good) == (422, 201)

    @pytest.mark.parametrize(
        ("key", "status"),
        [("", 422), ("k", 201), ("k" * 255, 201), ("k" * 256, 422), ("🛠 Zoë", 201)],
        ids=["empty", "short", "longest", "too long", "unicode"],
    )
    def test_a_key_has_1_to_255_characters(self, world: World, key: str, status: int) -> None:
        got, answer = world.ask(open_ticket, post(key=key))

        assert MAX_IDEMPOTENCY_KEY == 255
        assert got == status
        assert status == 201 or answer == {
            "message": "The request is not valid.",
            "errors": [{"field": "headers.idempotency-key", "message": "Should have 1 to 255 characters"}],
        }

    def test_a_request_that_changes_nothing_ignores_the_key(self, world: World) -> None:
        asked = [get({"ticket_id": str(TICKET)}, {"limit": limit}) for limit in ("1", "2")]
        for request in asked:
            request["headers"]["idempotency-key"] = "k" * 300

        answers = [world.ask(show_ticket, request, f"request-{n}") for n, request in enumerate(asked)]

        assert [(status, body["limit"]) for status, body in answers] == [(200, 1), (200, 2)]

    def test_the_handler_gets_one_key_for_outside_calls_per_client_key(self, world: World) -> None:
        keys: list[str] = []

        @route("POST /tickets", service="tickets")
        def open_ticket(delivery: Delivery, ticket: NewTicket) -> None:
            keys.append(delivery.idempotency_key)
            if len(keys) == 1:
                raise Outage("not now")

        for request, key in enumerate(["key-1", "key-1", "key-2"]):
            world.ask(open_ticket, post(key=key), f"request-{request}")

        assert keys[0] == keys[1] != keys[2]


def answering(body: object, publishes: object = None) -> AnyFunction:
    """Return a route that writes, then answers what its annotation may not promise."""

    @route("POST /tickets", status=201, service="tickets", uses=[tickets.write])
    def open_ticket(
        ticket: NewTicket,
    ) -> Reply[TicketView, TicketOpened | Sequence[TicketOpened | TicketClosed] | None]:
        tickets.put(TicketView(ticket_id=TICKET, items=len(ticket.items)))
        return Reply(cast("TicketView", body), publishes=cast("TicketOpened", publishes))

    return open_ticket


VIEW = TicketView(ticket_id=TICKET, items=1)


class Priced(Value):
    """A view whose validator changes a value that it is given again."""

    cents: Annotated[int, BeforeValidator(lambda value: round(value * 100))]


class Labelled(BaseModel):
    text: str = Field(alias="Text")


@route("GET /price", service="tickets")
def show_price() -> Priced:
    return Priced.model_validate({"cents": 9.5})


@route("GET /prices", service="tickets")
def show_prices() -> list[Priced]:
    return [Priced.model_validate({"cents": 9.5})]


class TestResponse:
    def test_a_validator_does_not_change_the_answer_that_a_handler_built(self, world: World) -> None:
        assert world.ask(show_price, get()) == (200, {"cents": 950})
        assert world.ask(show_prices, get()) == (200, [{"cents": 950}])

    @pytest.mark.parametrize("key", ["text", "Text"])
    def test_a_body_may_be_a_mapping_by_name_or_by_alias(self, world: World, key: str) -> None:
        @route("GET /label", service="tickets")
        def show_label() -> Labelled:
            return cast("Labelled", {key: "fragile"})

        assert world.ask(show_label, get()) == (200, {"Text": "fragile"})

    def test_a_text_that_is_not_unicode_is_a_500_with_its_reason(self, world: World) -> None:
        @route("GET /label", service="tickets")
        def show_label() -> Labelled:
            return Labelled(Text="\ud800")

        assert world.ask(show_label, get())[0] == 500
        assert "surrogates not allowed" in journaled(world)

    @pytest.mark.parametrize(
        ("publishes", "expected"),
        [
            (None, []),
            ([], []),
            (opened(), ["TicketOpened"]),
            ([opened(), TicketClosed(ticket_id=TICKET)], ["TicketOpened", "TicketClosed"]),
        ],
        ids=["none", "empty", "one", "several"],
    )
    def test_a_reply_publishes_nothing_one_or_several_events(
        self, world: World, publishes: object, expected: list[str]
    ) -> None:
        status, body = world.ask(answering(VIEW, publishes), post())

        assert (status, body) == (201, {"ticket_id": str(TICKET), "items": 1})
        assert [entry["DetailType"] for entry in world.events.accepted] == expected
        assert len({*world.published_ids}) == len(expected)
        assert len({event["metadata"]["correlation_id"] for event in world.published}) <= 1
        assert world.outcomes == (["done"] if expected else [])

    @pytest.mark.parametrize(
        "body",
        [
            None,
            {"ticket_id": str(TICKET), "items": -1},
            {"ticket_id": str(TICKET)},
            NewTicket.model_validate(VALID),
            [VIEW],
            "Jane Doe",
            TicketView.model_construct(ticket_id=TICKET, items="Jane Doe"),
        ],
        ids=["nothing", "bad value", "missing", "another model", "list", "text", "built around its validation"],
    )
    def test_a_body_that_the_route_does_not_promise_is_a_500_and_commits_nothing(
        self, world: World, body: object
    ) -> None:
        answer = world.ask(answering(body, opened()), post())

        assert answer == (500, {"message": "Internal Server Error"})
        assert stored(world) == 0
        assert world.events.calls == []
        assert "tickets.open_ticket" in journaled(world)
        assert "Jane" not in journaled(world)

    def test_a_model_with_more_than_is_promised_shows_no_more_than_is_promised(self, world: World) -> None:
        class TicketWithOwner(TicketView):
            owner: str

        _, body = world.ask(answering(TicketWithOwner(ticket_id=TICKET, items=1, owner="Jane Doe")), post())

        assert body == {"ticket_id": str(TICKET), "items": 1}

    @pytest.mark.parametrize("returned", [opened(), VIEW, None], ids=["event", "body", "nothing"])
    def test_a_route_that_publishes_and_returns_no_reply_is_a_500_that_shows_what_to_write(
        self, world: World, returned: object
    ) -> None:
        @route("POST /tickets", service="tickets", uses=[tickets.write])
        def open_ticket(ticket: NewTicket) -> Reply[TicketView, TicketOpened]:
            tickets.put(VIEW)
            return cast("Any", returned)  # type: ignore[no-any-return]  # the mistake

        status, _ = world.ask(open_ticket, post())

        assert status == 500
        assert stored(world) == 0
        assert f"returned {type_name(type(returned))} without a Reply." in journaled(world)
        assert "Write: return Reply(body, publishes=event)." in journaled(world)

    def test_an_event_that_the_route_does_not_name_is_a_500_and_commits_nothing(self, world: World) -> None:
        @route("POST /tickets", service="tickets", uses=[tickets.write])
        def open_ticket(ticket: NewTicket) -> TicketView:
            tickets.put(VIEW)
            return cast("TicketView", Reply(VIEW, publishes=opened()))

        status, _ = world.ask(open_ticket, post())

        assert status == 500
        assert stored(world) == 0
        assert "its annotation publishes nothing" in journaled(world)

    def test_a_route_may_answer_nothing(self, world: World) -> None:
        @route("DELETE /tickets/{ticket_id}", status=204, service="tickets", uses=[tickets.write])
        def close_ticket(ticket_id: UUID) -> Reply[None, TicketClosed]:
            tickets.delete(ticket_id)
            return Reply(None, publishes=TicketClosed(ticket_id=ticket_id))

        request = {**get({"ticket_id": str(TICKET)}), "routeKey": "DELETE /tickets/{ticket_id}"}
        answer = world.ask(close_ticket, request)

        assert answer == (204, None)
        assert len(world.published) == 1

    def test_a_route_may_answer_a_list(self, world: World) -> None:
        @route("GET /tickets", service="tickets")
        def list_tickets() -> list[TicketView]:
            return [VIEW, VIEW]

        status, body = world.ask(list_tickets, {**get(), "routeKey": "GET /tickets"})

        assert (status, body) == (200, [{"ticket_id": str(TICKET), "items": 1}] * 2)


class Report(BaseModel):
    text: str


@pytest.mark.parametrize(("letter", "most"), [("x", 6_291_000), ('"', 1_572_000)], ids=["plain", "escaped twice"])
def test_an_answer_larger_than_lambda_returns_fails_although_nothing_is_stored(
    world: World, letter: str, most: int
) -> None:
    @route("GET /report", service="tickets")
    def report(length: int) -> Report:
        return Report(text=letter * length)

    def ask(length: int) -> int:
        request = get(query={"length": str(length)}) | {"routeKey": "GET /report"}
        return world.ask(report, request)[0]

    assert ask(most) == 200
    assert world.outcomes == []
    assert ask(most + 1_000) == 500
    assert world.outcomes == ["failed"]
    assert "GET /report answers 629" in (world.journal.records[-1].error or "")
