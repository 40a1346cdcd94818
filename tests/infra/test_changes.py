"""A stack that changes: delivery both ways, renames, and what an update deletes or retains."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from contradance import Choreography, Contract, Registry, Retry, Table, subscriber
from contradance.errors import InvalidChoreography, InvalidFunction, InvalidStack
from contradance.function import Function
from contradance.table import Grant
from tests.infra.mocks import Deployment, Recorder
from tests.infra.stack import deployed

URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/library-dev-loans-"


class BookLent(Contract, source="library.loans", subject="loan_id"):
    """A reader took a book home."""

    loan_id: UUID


class Loan(BaseModel):
    loan_id: UUID
    year: str = ""


contracts = Registry("library", [BookLent])


def remind(name: str = "remind", **options: Any) -> Function[..., object]:
    """Return a subscriber of the service `loans`."""

    def handler(lent: BookLent) -> None:
        """Remind a reader."""

    handler.__name__ = name
    return subscriber(service="loans", **options)(handler)


def library(*functions: Function[..., object]) -> Choreography:
    return Choreography("library", contracts=contracts, functions=functions)


def up(
    folder: Path, *functions: Function[..., object], before: Deployment | None = None, **config: str
) -> tuple[Deployment, list[str]]:
    """Deploy, after `before`; return what was registered and the warnings."""
    warnings: list[str] = []
    recorder = Recorder(before=dict(before.outputs) if before else {})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pulumi.log.warn", lambda text, *_: warnings.append(text))
        made = deployed(folder, library(*functions), secrets=None, config=config, recorder=recorder)
    return made, warnings


def resources(deployment: Deployment) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(each.type, each.name): each.inputs for each in deployment.resources if each.custom}


def test_a_change_of_delivery_moves_the_target_and_adds_or_removes_the_queue_alone(tmp_path: Path) -> None:
    direct, queued = (resources(up(tmp_path, remind(delivery=mode))[0]) for mode in ("direct", "queue"))

    assert queued.keys() - direct.keys() == {
        ("Queue", "loans.remind"),
        ("QueuePolicy", "loans.remind"),
        ("EventSourceMapping", "loans.remind"),
        ("MetricAlarm", "loans.remind.backlog"),
    }
    assert direct.keys() <= queued.keys()
    changed = {key for key, inputs in direct.items() if inputs != queued[key]}
    assert {kind for kind, _ in changed} == {"Dashboard", "EventTarget", "Function", "RolePolicy"}


def test_a_draining_queue_keeps_everything_but_the_target(tmp_path: Path) -> None:
    queued, _ = up(tmp_path, remind(delivery="queue"))

    draining, warnings = up(tmp_path, remind(draining=True), before=queued)

    before, after = resources(queued), resources(draining)
    changed = {kind for (kind, name), inputs in before.items() if after[kind, name] != inputs}
    assert (before.keys(), warnings) == (after.keys(), [])
    assert changed == {"EventTarget"}
    assert after["EventTarget", "loans.remind"]["arn"].endswith(":function:library-dev-loans-remind")


def test_without_draining_the_preview_warns_of_the_backlog(tmp_path: Path) -> None:
    queued, _ = up(tmp_path, remind(delivery="queue"))

    _, (warning,) = up(tmp_path, remind(), before=queued)

    assert "loans.remind is no longer behind its queue" in warning
    assert "queue library-dev-loans-remind (events that wait to be consumed)" in warning
    assert "draining=True" in warning


def test_draining_is_refused_for_a_function_that_is_behind_its_queue() -> None:
    with pytest.raises(InvalidFunction, match="draining=True and delivery='queue'"):
        remind(delivery="queue", draining=True)


def test_a_rename_replaces_nothing(tmp_path: Path) -> None:
    old_loans = Table("loans", key=("loan_id",), model=Loan, service="loans")
    new_loans = Table("books", key=("loan_id",), model=Loan, service="loans", deployed_as="loans")
    before, _ = up(tmp_path, remind("remind", uses=[old_loans.write], delivery="queue"))

    after, warnings = up(
        tmp_path, remind("nudge", deployed_as="remind", uses=[new_loans.write], delivery="queue"), before=before
    )

    old, new = resources(before), resources(after)
    fixed = {"name", "hashKey", "rangeKey", "functionName", "rule", "queueUrl", "eventSourceArn"}
    assert (old.keys(), warnings) == (new.keys(), [])
    for key, inputs in old.items():
        assert {name: value for name, value in inputs.items() if name in fixed} == {
            name: value for name, value in new[key].items() if name in fixed
        }, key
    changed = {kind for (kind, name), inputs in old.items() if new[kind, name] != inputs}
    assert changed == {"Function", "EventRule", "MetricAlarm", "Dashboard"}
    assert "loans.remind|*" in new["RolePolicy", "loans.remind"]["policy"]


def test_a_move_to_another_service_replaces_nothing(tmp_path: Path) -> None:
    before, _ = up(tmp_path, remind())

    def handler(lent: BookLent) -> None:
        """Remind a reader."""

    moved = subscriber(service="readers", deployed_as="loans.remind")(handler)
    after, warnings = up(tmp_path, moved, before=before)

    assert (resources(before).keys(), warnings) == (resources(after).keys(), [])


@pytest.mark.parametrize(
    "functions",
    [
        (("remind", None), ("nudge", "remind")),
        (("nudge", "remind"), ("push", "remind")),
        (("nudge", "remind"), ("push", "loans.remind")),
    ],
)
def test_two_functions_with_one_deployed_name_are_refused(functions: tuple[tuple[str, str | None], ...]) -> None:
    with pytest.raises(InvalidChoreography, match=r"two functions that are deployed as loans\.remind"):
        library(*(remind(name, deployed_as=old) for name, old in functions))


def test_two_tables_with_one_deployed_name_are_refused() -> None:
    def grant(name: str, old: str | None) -> Grant:
        return Table(name, key=("loan_id",), model=Loan, service="loans", deployed_as=old).write

    with pytest.raises(InvalidChoreography, match=r"two tables that are deployed as loans\.loans"):
        library(remind(uses=[grant("loans", None), grant("books", "loans")]))


@pytest.mark.parametrize("name", ["old name", "a.b.c", ".x", "x|y", ""])
def test_a_deployed_name_is_one_that_resources_can_have(name: str) -> None:
    if name:
        with pytest.raises(InvalidFunction, match="deployed_as="):
            remind(deployed_as=name)
    else:
        assert remind(deployed_as=name).deployed_name == "loans.remind"


def test_what_a_removed_function_and_table_held_is_warned_of(tmp_path: Path) -> None:
    loans = Table("loans", key=("loan_id",), model=Loan, service="loans")
    before, _ = up(tmp_path, remind(delivery="queue", uses=[loans.write]), remind("other"))

    _, warnings = up(tmp_path, remind("other"), before=before)

    of_function, of_table = warnings
    assert "loans.remind is no longer declared. This update deletes what it holds" in of_function
    assert "dead letters library-dev-loans-remind-dead-letters" in of_function
    assert "log group /aws/lambda/library-dev-loans-remind" in of_function
    assert "deployed_as='loans.remind'" in of_function
    assert "table library-dev-loans-loans (items)" in of_table


def test_what_a_protected_stack_retains_is_listed_with_its_import_command(tmp_path: Path) -> None:
    loans = Table("loans", key=("loan_id",), model=Loan, service="loans")
    before, _ = up(tmp_path, remind(delivery="queue", uses=[loans.write]), remind("other"), protect="true")

    _, warnings = up(tmp_path, remind("other"), before=before, protect="true")

    commands = [line.strip() for warning in warnings for line in warning.splitlines() if "pulumi import" in line]
    options = "--stack dev --protect=false --generate-code=false --yes"
    assert commands == [
        f"pulumi import aws:sqs/queue:Queue loans.remind.dead-letters {URL}remind-dead-letters {options}",
        f"pulumi import aws:sqs/queue:Queue loans.remind {URL}remind {options}",
        f"pulumi import aws:cloudwatch/logGroup:LogGroup loans.remind /aws/lambda/library-dev-loans-remind {options}",
        f"pulumi import aws:dynamodb/table:Table loans.loans library-dev-loans-loans {options}",
    ]


@pytest.mark.parametrize("protect", ["false", "true"])
def test_what_a_configuration_removes_is_kept_by_the_configuration(tmp_path: Path, protect: str) -> None:
    """No `deployed_as=` brings back the ingress, or a service that the stack does not deploy."""

    def handler(lent: BookLent) -> None:
        """Count a loan."""

    loans = Table("loans", key=("loan_id",), model=Loan, service="loans")
    functions = (subscriber(service="stats")(handler), remind(uses=[loans.write]))
    before, _ = up(tmp_path, *functions, protect=protect)
    ingress = {"kind": "ingress", "functionName": "x", "logGroup": "/aws/lambda/library-dev-contradance-ingress"}
    before.outputs["deployed"]["functions"]["contradance.ingress"] = ingress

    _, warnings = up(tmp_path, *functions, before=before, services='["stats"]', protect=protect)

    of_ingress, of_table, of_function = sorted(warnings)
    assert "loans.remind is no longer in the stack's services." in of_function
    assert "loans.loans is no longer in the stack's services." in of_table
    assert "contradance.ingress is no longer configured." in of_ingress
    assert not any("deployed_as" in warning or "declare it" in warning for warning in warnings)
    for warning, fix in (
        (of_function, "the key services"),
        (of_ingress, "ingress" if protect == "false" else "configure"),
    ):
        assert fix in warning.partition("\n")[2]


def test_a_table_whose_key_changes_is_refused(tmp_path: Path) -> None:
    short = Table("loans", key=("loan_id",), model=Loan, service="loans")
    long = Table("loans", key=("loan_id", "year"), model=Loan, service="loans")
    before, _ = up(tmp_path, remind(uses=[short.write]))

    with pytest.raises(InvalidStack, match=r"table loans\.loans gets its sort key"):
        up(tmp_path, remind(uses=[long.write]), before=before)


@pytest.mark.parametrize(("times", "receives"), [(0, 5), (1, 6), (5, 18), (400, 1000), (999, 1000)])
def test_the_net_is_wider_than_the_attempts(times: int, receives: int) -> None:
    assert Retry(times=times).receives == receives
