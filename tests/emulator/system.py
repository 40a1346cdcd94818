"""One choreography, deployed to MiniStack, and what the tests do with it."""

import json
import platform
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]  # it has no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # the same
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # the same

from contradance.deployed import OUTPUT, Deployed
from contradance.infra import deploy, read_config
from contradance.local.events.entry import envelope
from contradance.operate.aws.stack import stack_system
from contradance.operate.dead_letter import DeadLetter, Reason
from contradance.operate.dead_letters import find, redrive
from contradance.packaging import build
from contradance.pattern import EventPattern
from contradance.project import Project
from contradance.runtime.aws import layout, record
from contradance.runtime.aws.record import once_pk
from contradance.runtime.consume import once_key
from tests.emulator.gaps import Operator, scheduled_input
from tests.emulator.ministack import ENVIRONMENT, MiniStack
from tests.emulator.proxy import Proxy
from tests.emulator.recorder import EmulatedAws
from tests.infra.mocks import ACCOUNT, REGION, run
from tests.packaging.project import ARCHITECTURES

_LONG: Final = 120
"""Seconds that nothing here needs."""


class Emulated:
    """One choreography on MiniStack.

    Args:
        project: its project.
        emulator: MiniStack.
        config: the stack's configuration.
        secrets: values of secrets by name.
        stack: its name.
    """

    def __init__(
        self,
        project: Project,
        emulator: MiniStack,
        *,
        config: Mapping[str, str],
        secrets: Mapping[str, str],
        stack: str = "dev",
    ) -> None:
        self.choreography = project.choreography()
        self.proxy = Proxy(emulator.port)
        self._emulator = emulator
        self._clients: dict[str, Any] = {}
        self._expected: list[Mapping[str, Any]] = []
        """Events that a test published."""
        self._delivered: dict[str, Sequence[tuple[str, str | None, str]]] = {}
        """The deliveries of each event, by its detail."""
        self._redriven: dict[tuple[str, str], int] = {}
        """How many calls there were when a function's dead letters with a reason were redriven."""
        packages = build(
            project.root,
            self.choreography,
            architecture=ARCHITECTURES[platform.machine()],
            cache=ENVIRONMENT / "packages",
        )

        async def program() -> Any:
            return await deploy(self.choreography, read_config(), packages, registry=project.named("contracts"))

        recorder = EmulatedAws(account=ACCOUNT, emulator=emulator, proxy=self.proxy)
        kept = {"secrets": json.dumps(dict(secrets))} if secrets else {}
        name = self.choreography.name
        self.deployment = run(program, stack=stack, project=name, config=config, kept=kept, recorder=recorder)
        self.proxy.policies.update(
            {name: str(each["policy"]) for name, each in self.deployment.all("RolePolicy").items()}
        )
        self.deployed = Deployed.model_validate(self.deployment.outputs[OUTPUT])
        self.operator = Operator(emulator)
        self.system = stack_system(self.deployed, self.operator)

    def aws(self, service: str) -> Any:
        """Return a client of boto3, with which a test looks and operates."""
        if service not in self._clients:
            self._clients[service] = self._emulator.client(service)
        return self._clients[service]

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Return (status, JSON) of one signed request to the HTTP API."""
        url, text = f"{self.deployed.api_url}{path}", b"" if body is None else json.dumps(body).encode()
        signed = AWSRequest(method, url, {"host": urlsplit(url).netloc, "content-type": "application/json"}, text)
        SigV4Auth(Credentials(ACCOUNT, "nothing"), "execute-api", REGION).add_auth(signed)
        connection = HTTPConnection("127.0.0.1", self._emulator.port, timeout=_LONG)
        try:
            connection.request(method, path, text, dict(signed.headers))
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def publish(self, entry: Mapping[str, Any]) -> None:
        """Publish an event as another program does, without validation."""
        answer = self.aws("events").put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0, answer
        self._expected.append(entry)

    def invoke(self, function: str, entry: Mapping[str, Any]) -> None:
        """Invoke a subscriber asynchronously with an event, as EventBridge does."""
        name, payload = self.deployed.functions[function].function_name, json.dumps(as_event(entry)).encode()
        self.aws("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=payload)

    def resume(self) -> None:
        """Enable all rules, as an update without `paused` does; `tests/engine` holds what such an update touches."""
        for rule in self.deployment.all("EventRule").values():
            self.aws("events").enable_rule(Name=rule["name"], EventBusName=rule["eventBusName"])
        functions = {name: one.model_copy(update={"paused": False}) for name, one in self.deployed.functions.items()}
        self.deployed = self.deployed.model_copy(update={"functions": functions})
        self.system = stack_system(self.deployed, self.operator)

    def documents(self) -> dict[str, list[Any]]:
        """Return the documents of every table, by the table's name in the code."""
        return {
            name: [json.loads(item["document"]["S"]) for item in self._items(table.table_name)]
            for name, table in self.deployed.tables.items()
        }

    def once_records(self) -> dict[str, str]:
        """Return the state of every once-record, by its key."""
        return {item[layout.PARTITION]["S"]: item[record.STATE]["S"] for item in self._items(self._once_table)}

    def wait(self, what: Callable[[], bool], failure: Callable[[], object]) -> None:
        """Wait until something holds; fail with what `failure` returns if it never does."""
        latest = time.monotonic() + _LONG
        while not what():
            assert time.monotonic() < latest, f"{failure()}\n{self._emulator.log.read_text(encoding='utf-8')[-4000:]}"
            time.sleep(0.1)

    def settle(self, *, without: Collection[str] = ()) -> None:
        """Wait until every subscriber, but for some, has completed or dead-lettered every published event."""
        self.wait(lambda: not self.unfinished(without), lambda: f"unfinished: {self.unfinished(without)}")

    def unfinished(self, without: Collection[str] = ()) -> list[str]:
        """Return the deliveries that are not completed, and are no dead letters; of some functions, none."""
        records, dead = self.once_records(), self._dead_letters()
        return [
            f"{function} {key or detail}"
            for entry in [*self.published(), *self._expected]
            for function, key, detail in self._deliveries(entry)
            if function not in without
            and (function, detail) not in dead
            and (key is None or records.get(key) != "published")
        ]

    def dead_letters(self, function: str) -> int:
        """Return how many dead letters a function has."""
        return self.system.dead_letters.count(function)

    def letters(self, function: str) -> list[DeadLetter]:
        """Return the dead letters of a function."""
        return [*find(self.system, self.choreography, function, keep=100).letters]

    def redrive(self, function: str, reason: Reason) -> Sequence[str]:
        """Redrive the dead letters of a function with a reason, and return the outcomes."""
        calls = len(self.proxy.calls)
        outcomes: list[str] = [
            one.outcome for one in redrive(self.system, self.choreography, function, reason, really=True)
        ]
        if "redriven" in outcomes:
            self._redriven[function, reason] = calls
        return outcomes

    def run_schedule_now(self, function: str) -> datetime:
        """Have Scheduler invoke a scheduled function once, with the target of its own schedule; return the time."""
        own = self._schedule(function)
        moment = datetime.now(UTC).replace(microsecond=0)
        arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{own['GroupName']}/{own['Name']}"
        target = own["Target"] | {"Input": scheduled_input(own["Target"]["Input"], arn, moment)}
        self.aws("scheduler").create_schedule(
            GroupName=own["GroupName"],
            Name="once",
            ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow=own["FlexibleTimeWindow"],
            Target=target,
        )
        return moment

    def set_schedule(self, function: str, state: str) -> None:
        """Make the schedule of a function ENABLED or DISABLED."""
        self.aws("scheduler").update_schedule(**self._schedule(function), State=state)

    def _schedule(self, function: str) -> dict[str, Any]:
        """Return what defines the schedule of a function, as UpdateSchedule takes it."""
        planned = self.deployment.all("Schedule")[function]
        found = self.aws("scheduler").get_schedule(GroupName=planned["groupName"], Name=planned["name"])
        kept = ("GroupName", "Name", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")
        return {name: found[name] for name in kept}

    def _dead_letters(self) -> set[tuple[str, str]]:
        """Return (function, detail) of the dead letters that functions sent and that were not redriven."""
        return {
            (call.function, _canonical(json.loads(call.request["MessageBody"]).get("detail")))
            for number, call in enumerate(self.proxy.calls)
            if call.operation == "SendMessage"
            and number >= self._redriven.get((call.function, _reason(call.request)), 0)
        }

    @property
    def _once_table(self) -> str:
        return str(self.deployment.all("Table")["once"]["name"])

    def _items(self, table: str) -> list[dict[str, Any]]:
        pages = self.aws("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def published(self) -> list[dict[str, Any]]:
        """Return the entries of PutEvents that functions published."""
        return [
            entry
            for call in self.proxy.calls
            if call.operation == "PutEvents" and call.status == HTTPStatus.OK
            for entry in call.request["Entries"]
        ]

    def _deliveries(self, entry: Mapping[str, Any]) -> Sequence[tuple[str, str | None, str]]:
        """Return (function, key of its once-record, detail) for every subscriber of an event; no key if it is invalid."""
        found = self._delivered.get(entry["Detail"])
        if found is None:
            found = self._delivered[entry["Detail"]] = [*self._find_deliveries(entry["EventBusName"], as_event(entry))]
        return found

    def _find_deliveries(self, bus: str, event: Mapping[str, Any]) -> Iterator[tuple[str, str | None, str]]:
        for name, rule in self.deployment.all("EventRule").items():
            here = bus.rpartition("event-bus/")[2] == rule["eventBusName"]
            if here and EventPattern(json.loads(rule["eventPattern"])).matches(event):
                key = once_key(self.choreography.functions[name], event)
                yield name, once_pk(key) if key else None, _canonical(event["detail"])


def as_event(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of PutEvents as an event in EventBridge's envelope."""
    return envelope(entry, datetime.now(UTC), refuse_aws=False) | {"account": ACCOUNT, "region": REGION}


def _canonical(detail: object) -> str:
    return json.dumps(detail, sort_keys=True)


def _reason(message: Mapping[str, Any]) -> str:
    return str(message["MessageAttributes"]["REASON"]["StringValue"])
