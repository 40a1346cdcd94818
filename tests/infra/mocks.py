"""The program run without an engine: every resource it registers, recorded."""

import asyncio
import contextlib
import contextvars
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import pulumi
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime.proto.source_pb2 import StackTrace
from pulumi.runtime.stack import run_pulumi_func

ACCOUNT, REGION = "123456789012", "eu-central-1"


@dataclass(frozen=True)
class Registered:
    """One resource as the program asked for it."""

    type: str
    """The last part of its token: `EventRule`."""
    name: str
    inputs: Mapping[str, Any]
    custom: bool


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """Stands in for the engine and for AWS: gives each resource the outputs that the program uses."""

    resources: list[Registered] = field(default_factory=list)
    account: str = ACCOUNT
    region: str = REGION
    stacks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Outputs of other stacks, by the stack's name."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """Outputs of this stack's last update."""

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        match args.token:
            case "aws:index/getCallerIdentity:getCallerIdentity":
                arn = f"arn:aws:iam::{self.account}:user/ada"
                return {"accountId": self.account, "arn": arn, "id": self.account, "userId": "AIDA"}
            case "aws:index/getRegion:getRegion":
                return {"region": self.region, "name": self.region, "id": self.region}
            case "pulumi:pulumi:readStackOutputs":
                return {"name": args.args["name"], "outputs": self.before, "secretOutputNames": []}
        raise AssertionError(f"the program asks AWS for {args.token}")

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        kind = args.typ.rpartition(":")[2]
        inputs = plain(args.inputs)
        if kind == "StackReference":
            outputs = self.stacks.get(inputs["name"], {})
            return inputs["name"], {"name": inputs["name"], "outputs": outputs, "secretOutputNames": []}
        self.resources.append(Registered(kind, args.name, inputs, bool(args.custom)))
        if not args.custom:
            return "", {}
        outputs = self.outputs(kind, args.name, inputs)
        return outputs.pop("id", f"{args.name}-id"), {**inputs, **outputs}

    def outputs(self, kind: str, resource: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return what AWS would say of a resource once it is there, as far as the program uses it; `id` if AWS gives it."""
        name = inputs.get("name", resource)
        here = f"{self.region}:{self.account}"
        host = f"{self.region}.amazonaws.com"
        said: Mapping[str, Callable[[], dict[str, Any]]] = {
            "Api": lambda: {
                "apiEndpoint": f"https://api1.execute-api.{host}",
                "executionArn": f"arn:aws:execute-api:{here}:api1",
            },
            "EventBus": lambda: {"arn": f"arn:aws:events:{here}:event-bus/{name}"},
            "EventRule": lambda: {
                "arn": f"arn:aws:events:{here}:rule/"
                + (name if inputs["eventBusName"] == "default" else f"{inputs['eventBusName']}/{name}")
            },
            "Function": lambda: {"arn": f"arn:aws:lambda:{here}:function:{name}"},
            "LayerVersion": lambda: {"arn": f"arn:aws:lambda:{here}:layer:{inputs['layerName']}:1"},
            "LogGroup": lambda: {"arn": f"arn:aws:logs:{here}:log-group:{name}"},
            "Queue": lambda: {
                "arn": f"arn:aws:sqs:{here}:{name}",
                "url": f"https://sqs.{host}/{self.account}/{name}",
            },
            "Role": lambda: {"arn": f"arn:aws:iam::{self.account}:role/{name}"},
            "Topic": lambda: {"arn": f"arn:aws:sns:{here}:{name}"},
        }
        return said.get(kind, dict)()


def plain(value: Any) -> Any:
    """Return inputs as JSON holds them: whole numbers as int, archives by their path."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, pulumi.FileArchive):
        return value.path
    return value


@dataclass(frozen=True)
class Deployment:
    """What a run of the program registered and exported."""

    resources: tuple[Registered, ...]
    outputs: Mapping[str, Any]
    requests: tuple[Any, ...] = field(repr=False)
    """What the engine was asked, as it was asked: with parents and dependencies."""

    def all(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Return the inputs of every resource of a kind, by name."""
        return {each.name: each.inputs for each in self.resources if each.type == kind}

    def policy(self, kind: str, name: str, key: str = "policy") -> Any:
        """Return a policy document, parsed."""
        return json.loads(self.all(kind)[name][key])


class Monitor(pulumi_mocks.MockMonitor):
    """The engine's ear: it hears of parents, dependencies and protection, which `Mocks` are not told."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.requests: list[Any] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        self.requests.append(request)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # Pulumi's


def run(
    program: Callable[[], Awaitable[Any]],
    *,
    stack: str = "dev",
    project: str = "food-delivery",
    config: Mapping[str, str] | None = None,
    kept: Mapping[str, str] | None = None,
    recorder: Recorder | None = None,
    preview: bool = False,
) -> Deployment:
    """Run a program as Pulumi would, in a loop and a context of its own, and return what it registered.

    Args:
        program: what to run; returns its outputs.
        stack: name of the stack.
        project: name of the project.
        config: the stack's configuration in plain text.
        kept: what was set with `--secret`.
        recorder: stands in for AWS.
        preview: whether what AWS would have to say is yet unknown.
    """
    told = recorder or Recorder()
    monitor = Monitor(told)
    outputs: list[Any] = []

    async def main() -> None:
        pulumi.runtime.set_mocks(told, project=project, stack=stack, preview=preview, monitor=monitor)
        await run_pulumi_func(ended)

    async def ended() -> None:
        outputs.append(await pulumi.Output.from_input(await program()).future())

    def inside() -> None:
        plain, secret = (
            {f"{project}:{key}": value for key, value in (given or {}).items()} for given in (config, kept)
        )
        pulumi.runtime.set_all_config({**plain, **secret}, [*secret])
        # Pulumi formats the whole stack of the tests twice for each resource: a third of a run.
        without_stack = patch("pulumi.runtime.resource._get_stack_trace", StackTrace)
        with without_stack, loops() as executor, asyncio.Runner() as runner:
            runner.get_loop().set_default_executor(executor)
            runner.run(main())

    contextvars.copy_context().run(inside)
    return Deployment(tuple(told.resources), outputs[0], tuple(monitor.requests))


@contextlib.contextmanager
def loops() -> Iterator[ThreadPoolExecutor]:
    """Lend threads in which Pulumi's mocks find a loop each; they would make one and leave it open."""
    lent: list[asyncio.AbstractEventLoop] = []

    def lend() -> None:
        lent.append(asyncio.new_event_loop())
        asyncio.set_event_loop(lent[-1])

    try:
        with ThreadPoolExecutor(initializer=lend) as executor:
            yield executor
    finally:
        for loop in lent:
            loop.close()
