"""On Lambda too, what would end the process ends one attempt, with a record."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from contradance import subscriber
from contradance.errors import HandlerExited
from contradance.runtime.containment import Contained, raised_by
from tests.runtime.desk import RepairPlanned, TicketOpened, opened
from tests.runtime.fakes import World, delivered, queued

ENDING = [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError]


@pytest.mark.parametrize("kind", ENDING)
def test_a_direct_delivery_fails_with_a_record_and_an_exception_that_lambda_retries(
    kind: type[BaseException], world: World
) -> None:
    @subscriber(service="repairs")
    def exits(event: TicketOpened) -> None:
        raise kind(3)

    with pytest.raises(HandlerExited, match=f"raised {kind.__name__}"):
        world.deliver(exits, delivered(opened()))

    (record,) = world.journal.records
    assert (record.outcome, record.attempt) == ("failed", 1)
    assert (record.error or "").startswith(f"{kind.__name__}: 3 (tests/runtime/test_containment.py:")


@pytest.mark.parametrize("kind", ENDING)
def test_the_other_messages_of_a_batch_are_consumed(kind: type[BaseException], world: World) -> None:
    @subscriber(service="repairs", delivery="queue")
    def exits_once(event: TicketOpened) -> None:
        if len(world.journal.records) == 0:
            raise kind

    first, second = queued(delivered(opened(), event_id="a")), queued(delivered(opened(), event_id="b"))
    second["Records"][0]["messageId"] = "other"
    answer = world.deliver(exits_once, {"Records": [*first["Records"], *second["Records"]]})

    assert answer == {"batchItemFailures": [{"itemIdentifier": first["Records"][0]["messageId"]}]}
    assert [record.outcome for record in world.journal.records] == ["failed", "done"]


def test_a_generator_that_exits_while_its_events_are_read_is_contained(world: World) -> None:
    @subscriber(service="repairs")
    def exits_late(event: TicketOpened) -> Iterator[RepairPlanned]:
        yield RepairPlanned(ticket_id=event.ticket_id)
        raise SystemExit

    with pytest.raises(HandlerExited):
        world.deliver(exits_late, delivered(opened()))

    assert [record.outcome for record in world.journal.records] == ["failed"]
    assert world.published == []


def test_an_ordinary_exception_passes_as_it_is() -> None:
    error = ValueError("no")

    with pytest.raises(ValueError, match="no") as caught, Contained():
        raise error

    assert caught.value is error
    assert raised_by(error) is error


def test_the_block_is_entered_as_itself_and_an_exception_with_a_cause_is_raised_as_it_is() -> None:
    block = Contained()
    error = ValueError("no")
    error.__cause__ = KeyError("why")

    with block as entered:
        assert entered is block
    assert raised_by(error) is error
    assert raised_by(HandlerExited("without a cause")).args == ("without a cause",)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("raised", [None, ValueError, SystemExit])
def test_a_child_that_leaves_its_handler_ends_with_an_error_and_its_parent_goes_on(
    raised: type[BaseException] | None, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    children = list[int]()

    @subscriber(service="repairs")
    def forks(event: TicketOpened) -> None:
        children.append(os.fork())
        if children[-1] == 0 and raised is not None:
            raise raised

    world.deliver(forks, delivered(opened()))

    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 1
    assert capfd.readouterr().err.startswith("error: a child process left the handler that forked it")
    assert world.outcomes == ["done"]
