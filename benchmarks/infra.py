"""What the Pulumi program costs, beside a hand-written loop that registers the same resources.

    python benchmarks/infra.py [--quick]

Both register bus, archive, once table, layer, and for each subscriber the same resources, under `pulumi.runtime` mocks, in a
process of its own each time, in turns; the fastest of several counts. "planning" is what the choreography's own part takes: from
the choreography to the plan, checked. Times are of the processor, in all threads: they do not suffer from neighbours as much.
"""

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1]))

import pulumi
import pulumi_aws as aws

from contradance import Choreography, Contract, Registry, subscriber
from contradance.infra import deploy, read_config
from contradance.infra.parsing import parse_config
from contradance.infra.planning.plan import make_plan
from contradance.infra.planning.quotas import check_quotas
from contradance.infra.planning.site import Site
from tests.infra.mocks import ACCOUNT, REGION, run

SIZES = [11, 111, 333]
QUICK_SIZES = [2]
CONFIG = {"ruleQuota": "400", "dashboard": "false"}
DAY = 86_400
ME = Path(__file__)


class BookLent(Contract, source="library.loans", subject="loan_id"):
    """A reader took a book home."""

    loan_id: UUID


class Zip(NamedTuple):
    """One zip for everything: what is registered is its path."""

    runtime: str
    architecture: str
    layer: Path
    functions: Mapping[str, Path]


def library(subscribers: int) -> Choreography:
    """Return a choreography of so many subscribers."""

    def numbered(number: int) -> Any:
        def handler(lent: BookLent) -> None: ...

        handler.__name__ = f"remind_{number}"
        return subscriber(service="readers")(handler)

    return Choreography(
        "library", contracts=Registry("library", [BookLent]), functions=[*map(numbered, range(subscribers))]
    )


def ours(subscribers: int) -> Callable[[], Awaitable[Any]]:
    """Return contradance's program."""
    choreography = library(subscribers)
    packages = Zip("python3.13", "arm64", ME, dict.fromkeys([*choreography.functions, "contradance.sweeper"], ME))

    async def program() -> Any:
        return await deploy(choreography, read_config(), packages)

    return program


def by_hand(subscribers: int) -> Callable[[], Awaitable[Any]]:
    """Return the loop that somebody would write who wants the same resources and no more."""

    async def program() -> Any:
        caller, region = aws.get_caller_identity(), aws.get_region()
        here = f"{region.region}:{caller.account_id}"
        bus = aws.cloudwatch.EventBus("bus", name="library-dev", description="Events", tags={"app": "library"})
        aws.cloudwatch.EventArchive("archive", name="library-dev", event_source_arn=bus.arn, retention_days=30)
        once = once_table()
        layer = aws.lambda_.LayerVersion(
            "layer",
            layer_name="library-dev",
            code=pulumi.FileArchive(str(ME)),
            compatible_runtimes=["python3.13"],
            compatible_architectures=["arm64"],
        )
        group = aws.scheduler.ScheduleGroup("schedules", name="library-dev")
        sweeper(here, layer.arn, group.name)
        pattern = json.dumps(
            {"source": ["library.loans"], "detail-type": ["BookLent"], "detail": {"metadata": {"version": [1]}}}
        )
        for number in range(subscribers):
            one(
                f"readers.remind_{number}",
                f"library-dev-readers-remind_{number}",
                here,
                bus=bus.name,
                pattern=pattern,
                layer=layer.arn,
                once=once,
            )
        return {}

    return program


def once_table() -> aws.dynamodb.Table:
    """Register the once table."""
    return aws.dynamodb.Table(
        "once",
        name="library-dev-once",
        billing_mode="PAY_PER_REQUEST",
        hash_key="pk",
        attributes=[
            {"name": "pk", "type": "S"},
            {"name": "shard", "type": "S"},
            {"name": "lease_expires", "type": "N"},
        ],
        global_secondary_indexes=[
            {
                "name": "unpublished",
                "key_schemas": [
                    {"attribute_name": "shard", "key_type": "HASH"},
                    {"attribute_name": "lease_expires", "key_type": "RANGE"},
                ],
                "projection_type": "KEYS_ONLY",
            }
        ],
        ttl={"attribute_name": "forget_at", "enabled": True},
        point_in_time_recovery={"enabled": True},
        server_side_encryption={"enabled": True},
    )


def function(
    name: str,
    physical: str,
    here: str,
    layer: pulumi.Output[str],
    *,
    statements: Sequence[Any] = (),
    needs: Sequence[pulumi.Resource] = (),
    variables: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[aws.lambda_.Function, aws.iam.RolePolicy]:
    """Register a function with its role and log group."""
    tags = {"app": "library", "stack": "dev", "service": "readers", "function": name}
    logs = aws.cloudwatch.LogGroup(name, name=f"/aws/lambda/{physical}", retention_in_days=30, tags=tags)
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = aws.iam.Role(name, name=physical, assume_role_policy=policy(trust), tags=tags)
    log = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"arn:aws:logs:{here}:log-group:/aws/lambda/{physical}:*",
    }
    allowed = aws.iam.RolePolicy(name, name="function", role=role.name, policy=policy(log, *statements))
    made = aws.lambda_.Function(
        name,
        name=physical,
        role=role.arn,
        runtime="python3.13",
        architectures=["arm64"],
        handler="app.handler",
        code=pulumi.FileArchive(str(ME)),
        layers=[layer],
        timeout=30,
        memory_size=256,
        environment={
            "variables": {
                "POWERTOOLS_SERVICE_NAME": "readers",
                "BUS": "library-dev",
                "ONCE": "library-dev-once",
                **variables,
            }
        },
        logging_config={
            "log_format": "JSON",
            "log_group": f"/aws/lambda/{physical}",
            "application_log_level": "INFO",
            "system_log_level": "WARN",
        },
        tracing_config={"mode": "PassThrough"},
        tags=tags,
        opts=pulumi.ResourceOptions(depends_on=[logs, allowed, *needs]),
    )
    return made, allowed


def policy(*statements: Mapping[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def alarm(name: str, physical: str, namespace: str, metric: str, dimensions: Mapping[str, str]) -> None:
    """Register an alarm."""
    aws.cloudwatch.MetricAlarm(
        name,
        name=physical,
        alarm_description=f"{name} needs somebody to look",
        namespace=namespace,
        metric_name=metric,
        dimensions=dimensions,
        statistic="Sum",
        period=60,
        evaluation_periods=1,
        threshold=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="notBreaching",
        alarm_actions=[],
        ok_actions=[],
        tags={"app": "library", "stack": "dev"},
    )


def sweeper(here: str, layer: pulumi.Output[str], group: pulumi.Output[str]) -> None:
    """Register the sweeper and its schedule."""
    name, physical = "sweeper", "library-dev-sweeper"
    made, allowed = function(name, physical, here, layer)
    config = aws.lambda_.FunctionEventInvokeConfig(
        name,
        function_name=made.name,
        maximum_retry_attempts=0,
        maximum_event_age_in_seconds=60,
        opts=pulumi.ResourceOptions(depends_on=[allowed]),
    )
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "scheduler.amazonaws.com"}}
    role = aws.iam.Role(f"{name}.schedule", name=f"{physical}-schedule", assume_role_policy=policy(trust))
    invoke = {
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Resource": f"arn:aws:lambda:{here}:function:{physical}",
    }
    granted = aws.iam.RolePolicy(f"{name}.schedule", name="schedule", role=role.name, policy=policy(invoke))
    aws.scheduler.Schedule(
        name,
        name=physical,
        group_name=group,
        schedule_expression="rate(1 minute)",
        flexible_time_window={"mode": "OFF"},
        target={
            "arn": made.arn,
            "role_arn": role.arn,
            "retry_policy": {"maximum_retry_attempts": 0, "maximum_event_age_in_seconds": 60},
        },
        opts=pulumi.ResourceOptions(depends_on=[config, granted]),
    )
    alarm(f"{name}.behind", f"{physical}-behind", "AWS/Lambda", "Errors", {"FunctionName": physical})


def one(
    name: str,
    physical: str,
    here: str,
    *,
    bus: pulumi.Output[str],
    pattern: str,
    layer: pulumi.Output[str],
    once: pulumi.Resource,
) -> None:
    """Register one subscriber."""
    dlq_arn, rule_arn = (
        f"arn:aws:sqs:{here}:{physical}-dead-letters",
        f"arn:aws:events:{here}:rule/library-dev/{physical}",
    )
    tags = {"app": "library", "stack": "dev", "service": "readers", "function": name}
    dead = aws.sqs.Queue(
        f"{name}.dead-letters",
        name=f"{physical}-dead-letters",
        message_retention_seconds=14 * DAY,
        sqs_managed_sse_enabled=True,
        redrive_allow_policy='{"redrivePermission":"denyAll"}',
        tags=tags,
    )
    allow = {
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Resource": dlq_arn,
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    dead_policy = aws.sqs.QueuePolicy(f"{name}.dead-letters", queue_url=dead.url, policy=policy(allow))
    statements = [
        {
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:UpdateItem"],
            "Resource": f"arn:aws:dynamodb:{here}:table/library-dev-once",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{name}|*"]}},
        },
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": dlq_arn},
    ]
    made, allowed = function(
        name, physical, here, layer, statements=statements, needs=[once], variables={"DEAD_LETTERS": dead.url}
    )
    rule = aws.cloudwatch.EventRule(
        name,
        name=physical,
        event_bus_name=bus,
        event_pattern=pattern,
        state="ENABLED",
        description=f"{name} consumes BookLent",
        tags=tags,
    )
    permission = aws.lambda_.Permission(
        name,
        statement_id="Invoke",
        action="lambda:InvokeFunction",
        function=made.name,
        principal="events.amazonaws.com",
        source_arn=rule.arn,
    )
    config = aws.lambda_.FunctionEventInvokeConfig(
        name,
        function_name=made.name,
        maximum_retry_attempts=2,
        maximum_event_age_in_seconds=21_600,
        destination_config={"on_failure": {"destination": dead.arn}},
        opts=pulumi.ResourceOptions(depends_on=[allowed]),
    )
    aws.cloudwatch.EventTarget(
        name,
        rule=rule.name,
        event_bus_name=bus,
        target_id="function",
        arn=made.arn,
        retry_policy={"maximum_retry_attempts": 185, "maximum_event_age_in_seconds": 21_600},
        dead_letter_config={"arn": dead.arn},
        opts=pulumi.ResourceOptions(depends_on=[dead, dead_policy, permission, config]),
    )
    alarm(
        f"{name}.dead-letters",
        f"{physical}-dead-letters",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": f"{physical}-dead-letters"},
    )
    alarm(
        f"{name}.undelivered-lost",
        f"{physical}-undelivered-lost",
        "AWS/Events",
        "InvocationsFailedToBeSentToDlq",
        {"RuleName": physical, "EventBusName": "library-dev"},
    )
    for purpose, metric in (
        ("throttled", "Throttles"),
        ("failed-lost", "DestinationDeliveryFailures"),
        ("dropped", "AsyncEventsDropped"),
    ):
        alarm(f"{name}.{purpose}", f"{physical}-{purpose}", "AWS/Lambda", metric, {"FunctionName": physical})


class Measured(NamedTuple):
    """One run of one program."""

    resources: int
    seconds: float
    """Of the processor."""
    megabytes: float
    """Most that the process had in memory, less what it had before the program began."""


def measure(program: Callable[[], Awaitable[Any]]) -> Measured:
    """Run a program once."""
    run(ours(1), config=CONFIG)  # what is imported and made once is not measured
    gc.collect()
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    deployment = run(program, config=CONFIG)
    seconds = time.process_time() - began
    made = sum(each.custom for each in deployment.resources)
    return Measured(made, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def apart(which: str, subscribers: int) -> Measured:
    """Measure in a process of its own."""
    command = [sys.executable, "-W", "ignore", str(ME), "--one", which, str(subscribers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


def planning(subscribers: int, repeats: int) -> float:
    """Return the seconds that planning takes, checks included."""
    choreography = library(subscribers)
    site = Site("library", "dev", ACCOUNT, REGION)
    times = []
    for _ in range(repeats):
        began = time.process_time()
        config = parse_config(CONFIG, project="library", stack="dev")
        check_quotas(make_plan(choreography, config, site))
        times.append(time.process_time() - began)
    return min(times)


def main(arguments: Sequence[str]) -> None:
    """Measure both at each size."""
    parser = argparse.ArgumentParser(description="The Pulumi program beside a hand-written loop.")
    parser.add_argument("--quick", action="store_true", help="few subscribers, measured once, for a first look")
    parser.add_argument("--one", nargs=2, metavar=("WHICH", "SUBSCRIBERS"), help="measure one and print it as JSON")
    options = parser.parse_args(arguments)
    if options.one:
        which, subscribers = options.one
        print(json.dumps(measure({"ours": ours, "by-hand": by_hand}[which](int(subscribers)))))
        return
    sizes, repeats = (QUICK_SIZES, 1) if options.quick else (SIZES, 3)
    print(
        f"{'subscribers':>11} {'resources':>9} {'ours s':>8} {'by hand s':>9} {'ratio':>6} {'ours MB':>8} {'by hand MB':>10} {'planning us/resource':>21}"
    )
    for subscribers in sizes:
        turns = [(apart("ours", subscribers), apart("by-hand", subscribers)) for _ in range(repeats)]
        mine, theirs = (min(each, key=lambda one: one.seconds) for each in zip(*turns, strict=True))
        assert mine.resources == theirs.resources, f"not the same resources: {mine.resources} and {theirs.resources}"
        micros = planning(subscribers, 2 + repeats) / mine.resources * 1e6
        print(
            f"{subscribers:>11} {mine.resources:>9,} {mine.seconds:>8.2f} {theirs.seconds:>9.2f} "
            f"{mine.seconds / theirs.seconds:>5.2f}x {mine.megabytes:>8.1f} {theirs.megabytes:>10.1f} {micros:>21.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
