"""A running stack that changes: delivery both ways, a rename, removal and return under `protect`."""

import shlex
from pathlib import Path

import pytest

from tests.engine.aws.demands import FUNCTION, QUEUE, TARGET
from tests.engine.projects import food
from tests.engine.stack import Run, Stack, Workspace

pytestmark = pytest.mark.engine

NAME = "loyalty.add_loyalty_points"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
TABLE = "aws:dynamodb/table:Table"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
DIRECT = "@subscriber(uses=[awards.write])"
IMPORTS = (
    "from functions.loyalty.add_loyalty_points import add_loyalty_points\n",
    "from functions.loyalty.show_loyalty_points import show_loyalty_points\n",
    "        add_loyalty_points,\n",
    "        show_loyalty_points,\n",
)


@pytest.fixture(scope="module")
def stack(workspace: Workspace) -> Stack:
    """Two services of the food delivery system, deployed."""
    stack = Stack(workspace, food(workspace), "dev").init()
    for position, service in enumerate(("loyalty", "notifications")):
        stack.set(f"services[{position}]", service, "--path")
    run = stack.up()
    assert run.code == 0, run
    return stack


def edit(file: Path, *changes: tuple[str, str]) -> None:
    """Replace texts in a file, each of which is in it."""
    text = file.read_text()
    for old, new in changes:
        assert old in text, (file, old)
        text = text.replace(old, new)
    file.write_text(text)


def handler(stack: Stack) -> Path:
    return stack.project / "functions" / "loyalty" / "add_loyalty_points.py"


def touched(run: Run, *operations: str) -> set[tuple[str, str]]:
    """Return (type, name) of each resource that one of these operations touched; all operations unless given."""
    assert run.code == 0, run
    return {(kind.rpartition(":")[2], name) for op, kind, name in run.touched if not operations or op in operations}


def warned(run: Run) -> list[str]:
    """Return what the program warned of, sorted: the engine prints in any order, and warns of the stand-ins on its path."""
    return sorted(text for text in run.warnings if not text.startswith("using pulumi-"))


def target(workspace: Workspace) -> str:
    """Return the ARN of the target of the loyalty service's rule."""
    (found,) = [one for one in workspace.account.every(TARGET) if "add_loyalty_points" in str(one.inputs["rule"])]
    return str(found.inputs["arn"])


def test_from_direct_delivery_to_a_queue_nothing_is_deleted(stack: Stack, workspace: Workspace) -> None:
    edit(handler(stack), (DIRECT, '@subscriber(delivery="queue", uses=[awards.write])'))

    run = stack.up()

    assert touched(run, "create") == {
        ("Queue", NAME),
        ("QueuePolicy", NAME),
        ("EventSourceMapping", NAME),
        ("MetricAlarm", f"{NAME}.backlog"),
    }
    assert {op for op, _, _ in run.touched} == {"create", "update"}
    assert ":sqs:" in target(workspace)


def test_back_to_direct_delivery_the_queue_is_drained(stack: Stack, workspace: Workspace) -> None:
    edit(handler(stack), ('delivery="queue"', "draining=True"))

    run = stack.up()

    assert touched(run) == {("EventTarget", NAME), ("Function", NAME)}
    assert warned(run) == []
    assert ":lambda:" in target(workspace)
    assert len(workspace.account.every(MAPPING)) == 1


def test_the_preview_warns_of_what_a_deleted_queue_may_hold(stack: Stack, workspace: Workspace) -> None:
    edit(handler(stack), ("draining=True, ", ""))

    preview = stack.preview()
    run = stack.up()

    for each in (preview, run):
        (warning,) = warned(each)
        assert f"{NAME} is no longer behind its queue" in warning
        assert "events that wait to be consumed" in warning
    assert ("Queue", NAME) in touched(run, "delete")
    assert workspace.account.every(MAPPING) == []


def test_a_rename_creates_and_deletes_nothing(stack: Stack, workspace: Workspace) -> None:
    before = {(one.type, one.id) for one in workspace.account.every() if "layer" not in one.type}
    edit(handler(stack), (DIRECT, '@subscriber(uses=[awards.write], deployed_as="add_loyalty_points")'))
    edit(handler(stack), ("def add_loyalty_points", "def award_points"))
    edit(
        stack.project / "functions" / "choreography.py",
        ("import add_loyalty_points\n", "import award_points\n"),
        ("        add_loyalty_points,\n", "        award_points,\n"),
    )

    run = stack.up()

    assert {op for op, _, _ in run.touched} == {"update"}
    assert warned(run) == []
    assert {(one.type, one.id) for one in workspace.account.every() if "layer" not in one.type} == before
    assert stack.up("--expect-no-changes").code == 0


def test_what_a_removed_service_held_stays_under_protect_and_returns(stack: Stack, workspace: Workspace) -> None:
    stack.set("protect", "true")
    assert stack.up().code == 0
    choreography = stack.project / "functions" / "choreography.py"
    whole = choreography.read_text()
    here = [
        line.replace("add_loyalty_points\n", "award_points\n").replace("  add_loyalty_points,", "  award_points,")
        for line in IMPORTS
    ]
    edit(choreography, *((line, "") for line in here))
    stack.set("services[0]", "notifications", "--path")

    preview = stack.preview()
    removed = stack.up()

    def held() -> set[str]:
        kept = workspace.account.every(QUEUE, LOG_GROUP, TABLE)
        return {one.id for one in kept if "loyalty" in one.id}

    commands = [line.strip() for text in warned(removed) for line in text.splitlines() if "pulumi import" in line]
    assert warned(preview) == warned(removed)
    assert removed.code == 0, removed
    assert [one.id for one in workspace.account.every(FUNCTION) if "loyalty" in one.id] == []
    assert len(held()) == len(commands) == 4  # dead letters, two log groups, a table
    assert not any("loyalty" in one["urn"] for one in stack.state())

    choreography.write_text(whole)
    stack.set("services[0]", "loyalty", "--path")
    for command in commands:
        stack.ask(*shlex.split(command)[1:])
    there = held()
    returned = stack.up()

    assert returned.code == 0, returned
    assert held() == there
    assert not {kind for kind, _ in touched(returned, "create")} & {"Queue", "LogGroup", "Table"}
    assert stack.up("--expect-no-changes").code == 0


def test_without_protect_everything_comes_down(stack: Stack, workspace: Workspace) -> None:
    stack.set("protect", "false")

    up, down = stack.up(), stack.destroy()

    assert (up.code, down.code, workspace.account.every()) == (0, 0, [])
