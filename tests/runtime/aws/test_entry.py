"""Deployed functions, invoked with recorded payloads, on moto."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contradance.errors import DeclarationError, LeaseHeld
from contradance.runtime.aws import sweeper, variable_names
from contradance.runtime.once import OnceKey
from tests.runtime.aws.desk import FUNCTIONS, Deployed
from tests.runtime.aws.moto import ONCE_TABLE, client
from tests.runtime.desk import TICKET
from tests.runtime.fakes import queued, recorded

EVENT_ID = "0b6f2f1e-93cf-5f0a-8a5e-3b1d6f3a7c10"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def once(function: str, event_id: str = EVENT_ID, source: str = "desk.tickets") -> dict[str, Any]:
    """Return a once-record as it is stored."""
    key = {"pk": {"S": "|".join(OnceKey(function, source, event_id))}}
    item: dict[str, Any] = client("dynamodb").get_item(TableName=ONCE_TABLE, Key=key)["Item"]
    return item


class TestSubscriber:
    def test_it_writes_publishes_and_remembers(self, desk: Deployed) -> None:
        assert desk.invoke("plan_repair", recorded("eventbridge")) is None

        (published,) = desk.published()
        assert desk.rows("desk-jobs") == [{"ticket_id": str(TICKET), "attempts": 1}]
        assert (published["source"], published["detail-type"]) == ("desk.repairs", "RepairPlanned")
        assert published["detail"]["metadata"]["causation_id"] == EVENT_ID
        assert published["detail"]["metadata"]["traceparent"] == TRACEPARENT
        record = once("repairs.plan_repair")
        assert (record["state"], record["attempt"]) == ({"S": "published"}, {"N": "1"})
        assert "sealed" not in record
        assert "shard" not in record

    def test_a_duplicate_changes_nothing(self, desk: Deployed) -> None:
        for request in ("request-1", "request-1", "request-2"):
            desk.invoke("plan_repair", recorded("eventbridge"), request)

        assert [row["attempts"] for row in desk.rows("desk-jobs")] == [1]
        assert len(desk.published()) == 1
        outcomes = [line["journal"]["outcome"] for line in desk.lines() if "journal" in line]
        assert outcomes == ["done", "duplicate", "duplicate"]

    def test_a_broken_event_is_a_dead_letter_at_once(self, desk: Deployed) -> None:
        event = recorded("eventbridge")
        event["detail"]["data"]["items"][0]["count"] = "none"

        assert desk.invoke("plan_repair", event) is None

        ((buried, attributes),) = desk.buried()
        assert buried == event
        assert attributes["REASON"] == "invalid"
        assert "data.items.0.count" in attributes["ERROR_MESSAGE"]
        assert desk.rows("desk-jobs") == desk.published() == []

    def test_a_secret_comes_from_the_parameter_store_and_is_kept(self, desk: Deployed) -> None:
        parameters = client("ssm")
        parameters.put_parameter(Name="/desk/workshop_key", Value="from SSM", Type="SecureString")
        desk.configure(
            **{
                variable_names.FUNCTION: f"{FUNCTIONS}:ask_workshop",
                variable_names.SECRETS: json.dumps({"workshop_key": "/desk/workshop_key"}),
                "SETTING_LONGEST": "7",
            }
        )
        desk.invoke("ask_workshop", recorded("eventbridge"))
        parameters.delete_parameter(Name="/desk/workshop_key")
        again = recorded("eventbridge")
        again["detail"]["metadata"]["event_id"] = "another"

        desk.invoke("ask_workshop", again)

        said = [line["message"] for line in desk.lines() if line.get("location", "").startswith("ask_workshop")]
        assert said == ["from SSM for 7"] * 2

    def test_a_secret_that_is_not_deployed_is_no_test_key(self, desk: Deployed) -> None:
        with pytest.raises(DeclarationError, match=r"'workshop_key' is not deployed .* CONTRADANCE_SECRETS"):
            desk.invoke("ask_workshop", recorded("eventbridge"))


class TestQueue:
    def test_only_what_failed_is_delivered_again(self, desk: Deployed) -> None:
        good, bad = recorded("eventbridge"), recorded("eventbridge")
        bad["detail"]["data"]["channel"] = "phone"
        bad["detail"]["metadata"]["event_id"] = "failing"
        batch = queued(good, bad, "no event at all")
        for record in batch["Records"]:
            record["attributes"]["SentTimestamp"] = str(int(datetime.now(UTC).timestamp() * 1000))

        answer = desk.invoke("plan_later", batch)

        assert answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
        outcomes = [line["journal"]["outcome"] for line in desk.lines() if "journal" in line]
        assert outcomes == ["done", "failed", "invalid"]
        assert [attributes["REASON"] for _, attributes in desk.buried()] == ["invalid"]

    def test_what_waited_too_long_is_given_up(self, desk: Deployed) -> None:
        assert desk.invoke("plan_later", recorded("sqs_batch")) == {"batchItemFailures": []}

        assert [attributes["REASON"] for _, attributes in desk.buried()] == ["expired"]


class TestRoute:
    def test_it_answers_and_publishes(self, desk: Deployed) -> None:
        answer = desk.invoke("open_ticket", recorded("http_post"))

        assert answer["statusCode"] == 201
        ticket_id = json.loads(answer["body"])["ticket_id"]
        assert [event["detail"]["metadata"]["subject"] for event in desk.published()] == [ticket_id]
        assert desk.rows("desk-tickets") == [{"ticket_id": ticket_id, "items": 1}]

    def test_a_repeated_request_is_the_same_request(self, desk: Deployed) -> None:
        answers = [desk.invoke("open_ticket", recorded("http_post"), f"request-{number}") for number in range(3)]

        assert answers == answers[:1] * 3
        assert len(desk.published()) == len(desk.rows("desk-tickets")) == 1

    def test_another_caller_with_the_same_key_asks_something_else(self, desk: Deployed) -> None:
        callers: list[Any] = [
            {"iam": {"userArn": "arn:aws:sts::123456789012:assumed-role/desk/ann"}},
            {"iam": {"userArn": "arn:aws:sts::123456789012:assumed-role/desk/bo"}},
            {"jwt": {"claims": {"iss": "https://one", "sub": "ann"}, "scopes": None}},
            {"jwt": {"claims": {"iss": "https://two", "sub": "ann"}, "scopes": None}},
        ]
        answers = []
        for number, authorizer in enumerate(callers * 2):
            request = recorded("http_post")
            request["requestContext"]["authorizer"] = authorizer
            answers.append(desk.invoke("open_ticket", request, f"request-{number}")["body"])

        assert answers[:4] == answers[4:]
        assert len({*answers}) == 4

    def test_what_is_wrong_is_told_by_field(self, desk: Deployed) -> None:
        request = recorded("http_post")
        request["body"] = '{"owner": "Jane", "items": []}'

        answer = desk.invoke("open_ticket", request)

        assert answer["statusCode"] == 422
        assert [one["field"] for one in json.loads(answer["body"])["errors"]] == ["body.items"]

    def test_a_client_never_sees_why_we_failed(self, desk: Deployed) -> None:
        request = recorded("http_post")
        request["body"] = request["body"].replace("Jane Doe", "broken")

        answer = desk.invoke("open_ticket", request)

        assert (answer["statusCode"], answer["body"]) == (500, '{"message": "Internal Server Error"}')
        (record,) = [line for line in desk.lines() if line.get("level") == "ERROR"]
        assert record["journal"]["error"].startswith("RuntimeError")
        assert "in open_ticket" in record["journal"]["traceback"]
        assert record["subscriber"] == "tickets.open_ticket"
        assert (record["journal"]["outcome"], record["journal"]["trigger"]) == ("failed", "POST /tickets")

    @pytest.mark.parametrize("given", ["nonsense", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", TRACEPARENT + "-more"])
    def test_a_trace_context_that_is_none_is_not_carried_on(self, desk: Deployed, given: str) -> None:
        request = recorded("http_post")
        request["headers"]["traceparent"] = given

        desk.invoke("open_ticket", request)

        assert "traceparent" not in desk.published()[0]["detail"]["metadata"]


class TestSchedule:
    def test_a_moment_is_handled_once(self, desk: Deployed) -> None:
        for request in ("request-1", "request-2"):
            desk.invoke("remind", recorded("scheduler"), request)

        assert [row["attempts"] for row in desk.rows("desk-jobs")] == [1]
        moment = "{schedule}@{scheduled_time}".format(**recorded("scheduler"))
        assert once("repairs.remind", moment, "schedule")["state"] == {"S": "published"}


class TestSweeper:
    def test_what_died_before_it_could_publish_is_published(
        self, desk: Deployed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk.configure(**{variable_names.FUNCTION: f"{FUNCTIONS}:plan_repair", variable_names.BUS: "desk"})
        with monkeypatch.context() as broken:
            broken.setattr("contradance.runtime.aws.events.EventBridge.put_events", _dies)
            with pytest.raises(ConnectionError):
                desk.invoke("plan_repair", recorded("eventbridge"))
        table = client("dynamodb")
        table.update_item(
            TableName=ONCE_TABLE,
            Key={"pk": once("repairs.plan_repair")["pk"]},
            UpdateExpression="SET lease_expires = :past",
            ExpressionAttributeValues={":past": {"N": "1"}},
        )

        swept = [desk.invoke_module(sweeper, {}) for _ in range(2)]

        assert swept == [{"swept": 1}, {"swept": 0}]
        assert [event["detail-type"] for event in desk.published()] == ["RepairPlanned"]
        assert once("repairs.plan_repair")["state"] == {"S": "published"}


def _dies(*_: object, **__: object) -> None:
    raise ConnectionError("the process died")


class TestDeployment:
    def test_what_is_not_set_is_named(self, desk: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
        desk.configure(**{variable_names.FUNCTION: f"{FUNCTIONS}:plan_repair"})
        monkeypatch.delenv(variable_names.BUS)

        with pytest.raises(DeclarationError, match="CONTRADANCE_BUS is not set"):
            desk.invoke("plan_repair", recorded("eventbridge"))

    @pytest.mark.parametrize(
        ("function", "why"), [(f"{FUNCTIONS}:registry", "which is not a function"), ("nonsense", "Name it like")]
    )
    def test_what_is_no_function_is_refused(self, desk: Deployed, function: str, why: str) -> None:
        desk.configure(**{variable_names.FUNCTION: function})

        with pytest.raises(DeclarationError, match=why):
            desk.invoke("plan_repair", {})

    def test_a_delivery_in_progress_is_left_to_who_has_it(self, desk: Deployed) -> None:
        client("dynamodb").put_item(
            TableName=ONCE_TABLE,
            Item={
                "pk": {"S": f"repairs.plan_repair|desk.tickets|{EVENT_ID}"},
                "state": {"S": "in_progress"},
                "holder": {"S": "request-0"},
                "asked": {"S": "before"},
                "attempt": {"N": "1"},
                "lease_expires": {"N": "9999999999"},
            },
        )

        with pytest.raises(LeaseHeld):
            desk.invoke("plan_repair", recorded("eventbridge"))

        assert desk.rows("desk-jobs") == []
