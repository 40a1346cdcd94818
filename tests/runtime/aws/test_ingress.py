"""Events that are published over HTTP."""

import json
from base64 import b64encode
from typing import Any

import pytest

from contradance.errors import AWSCallFailed, DeclarationError
from contradance.runtime.aws import ingress, variable_names
from contradance.runtime.aws.ingress import Ingress
from contradance.runtime.request import MAX_BODY_BYTES
from tests.runtime.aws.desk import FUNCTIONS, Deployed
from tests.runtime.aws.functions import registry
from tests.runtime.desk import TICKET
from tests.runtime.fakes import recorded

DATA = {"ticket_id": str(TICKET), "owner": "Jane Doe", "channel": "partner", "items": [{"name": "kettle", "count": 2}]}


@pytest.fixture
def open_desk(desk: Deployed) -> Deployed:
    desk.configure(
        **{variable_names.REGISTRY: f"{FUNCTIONS}:registry", variable_names.INGRESS: '["TicketOpened", "TicketClosed"]'}
    )
    return desk


def request(data: object, detail_type: str = "TicketOpened", query: object = None, **headers: str) -> dict[str, Any]:
    """Return the recorded request, for another route and with another body."""
    asked = recorded("http_post")
    del asked["headers"]["idempotency-key"]
    asked["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
    asked["routeKey"] = ingress.ROUTE
    asked["rawPath"] = f"/events/{detail_type}"
    asked["pathParameters"] = {"detail_type": detail_type}
    asked["queryStringParameters"] = query
    asked["body"] = data if isinstance(data, str) else json.dumps(data)
    return asked


def post(desk: Deployed, *args: Any, **kwargs: Any) -> tuple[int, dict[str, Any]]:
    """Return (status, JSON) of an answer."""
    answer = desk.invoke_module(ingress, request(*args, **kwargs))
    assert answer["headers"] == {"content-type": "application/json"}
    return answer["statusCode"], json.loads(answer["body"])


class TestPublishing:
    def test_an_event_is_published_as_if_a_function_had(self, open_desk: Deployed) -> None:
        traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

        status, answer = post(open_desk, DATA, traceparent=traceparent)

        (event,) = open_desk.published()
        metadata = event["detail"]["metadata"]
        assert (status, answer) == (202, {"event_id": metadata["event_id"]})
        assert (event["source"], event["detail-type"], event["detail"]["data"]) == (
            "desk.tickets",
            "TicketOpened",
            DATA,
        )
        assert (metadata["version"], metadata["subject"], metadata["publisher"]) == (
            3,
            str(TICKET),
            "contradance.ingress",
        )
        assert metadata["traceparent"] == traceparent

    def test_an_older_version_may_be_asked_for(self, open_desk: Deployed) -> None:
        status, _ = post(open_desk, {"ticket_id": str(TICKET), "owner": "Jane"}, query={"version": "1"})

        assert status == 202
        assert open_desk.published()[0]["detail"]["metadata"]["version"] == 1

    def test_a_repeated_request_publishes_the_same_event(self, open_desk: Deployed) -> None:
        answers = [post(open_desk, DATA, idempotency_key=key) for key in ("one", "one", "two")]

        ids = [event["detail"]["metadata"]["event_id"] for event in open_desk.published()]
        assert [answer["event_id"] for _, answer in answers] == ids
        assert ids[0] == ids[1] != ids[2]

    @pytest.mark.parametrize(
        ("data", "query"),
        [
            ({**DATA, "owner": "Joan"}, None),
            (json.dumps(DATA) + " ", None),
            (DATA, {"version": "3"}),
            ({"ticket_id": str(TICKET), "owner": "Jane"}, {"version": "1"}),
        ],
        ids=["another body", "another text of the body", "the version named", "another version"],
    )
    def test_another_request_with_the_same_key_is_another_event(
        self, open_desk: Deployed, data: object, query: dict[str, str] | None
    ) -> None:
        answers = [
            post(open_desk, DATA, idempotency_key="1"),
            post(open_desk, data, query=query, idempotency_key="1"),
            post(open_desk, data, query=query, idempotency_key="1"),
        ]

        first, second, third = (answer["event_id"] for _, answer in answers)
        assert [status for status, _ in answers] == [202, 202, 202]
        assert first != second == third
        assert [event["detail"]["metadata"]["event_id"] for event in open_desk.published()] == [first, second, third]

    def test_a_body_in_base64_is_the_same_request(self, open_desk: Deployed) -> None:
        plain = request(DATA, idempotency_key="1")
        encoded = {**plain, "body": b64encode(plain["body"].encode()).decode(), "isBase64Encoded": True}

        answers = [open_desk.invoke_module(ingress, one) for one in (plain, encoded)]

        assert answers[0] == answers[1]

    def test_it_is_journaled(self, open_desk: Deployed) -> None:
        _, answer = post(open_desk, DATA)

        (record,) = [line["journal"] for line in open_desk.lines() if "journal" in line]
        assert (record["function"], record["trigger"]) == ("contradance.ingress", ingress.ROUTE)
        assert [event["event_id"] for event in record["published"]] == [answer["event_id"]]


class TestRefusing:
    @pytest.mark.parametrize(
        ("detail_type", "query"),
        [("RepairPlanned", None), ("Unheard", None), ("", None), ("TicketOpened", {"version": "4"})],
        ids=["not open", "unknown", "empty", "version"],
    )
    def test_what_may_not_be_published_is_not_there(self, open_desk: Deployed, detail_type: str, query: Any) -> None:
        status, answer = post(open_desk, DATA, detail_type, query)

        assert (status, [*answer]) == (404, ["message"])
        assert open_desk.published() == []

    @pytest.mark.parametrize(
        ("data", "fields"),
        [
            ({**DATA, "owner": 3}, ["body.owner"]),
            ({**DATA, "more": 1}, ["body.more"]),
            ({**DATA, "items": [{"name": "kettle", "count": 2**63}]}, ["body.items.0.count"]),
            ({}, ["body.ticket_id", "body.owner", "body.channel", "body.items"]),
            ("{", ["body"]),
            ("", ["body"]),
            ('{"ticket_id": "a", "ticket_id": "b"}', None),
            (json.dumps(DATA)[:-1] + ', "channel": "twice"}', ["body"]),
        ],
    )
    def test_what_breaks_its_contract_is_told_by_field(
        self, open_desk: Deployed, data: object, fields: list[str] | None
    ) -> None:
        status, answer = post(open_desk, data)

        assert (status, answer["message"]) == (422, "The request is not valid.")
        assert fields is None or [one["field"] for one in answer["errors"]] == fields
        assert "Jane" not in json.dumps(answer)
        assert open_desk.published() == []

    @pytest.mark.parametrize("version", ["x", "-1", "1.0", "²"])
    def test_a_version_is_a_whole_number(self, open_desk: Deployed, version: str) -> None:
        status, answer = post(open_desk, DATA, query={"version": version})

        assert (status, answer["errors"][0]["field"]) == (422, "query.version")

    def test_a_body_that_is_no_json_says_so(self, open_desk: Deployed) -> None:
        assert post(open_desk, "<a/>", content_type="application/xml")[0] == 415

    def test_a_body_that_is_too_large_is_not_read(self, open_desk: Deployed) -> None:
        assert post(open_desk, " " * (MAX_BODY_BYTES + 1))[0] == 413

    def test_an_event_that_is_too_large_is_not_published(self, open_desk: Deployed) -> None:
        assert post(open_desk, {**DATA, "channel": "x" * 300_000})[0] == 413
        assert open_desk.published() == []

    @pytest.mark.parametrize(
        ("error", "status"), [(AWSCallFailed("events did not answer", "", {}), 503), (KeyError("house"), 500)]
    )
    def test_our_failure_is_told_without_its_cause(
        self, open_desk: Deployed, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
    ) -> None:
        def fails(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("contradance.runtime.aws.events.EventBridge.put_events", fails)

        answered, answer = post(open_desk, DATA)

        assert (answered, [*answer]) == (status, ["message"])
        assert "house" not in answer["message"]


@pytest.mark.parametrize("detail_type", ["Unheard"])
def test_an_ingress_to_nothing_is_refused_when_it_is_made(detail_type: str) -> None:
    with pytest.raises(DeclarationError, match="open to 'Unheard', but in the registry 'desk' it is not in it"):
        Ingress(registry, [detail_type])
