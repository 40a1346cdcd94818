"""Flows as text without ids, times or data: the same for every run of the same choreography."""

from collections.abc import Iterable, Iterator

from contradance.operate.flow import Flow, Handled, Happened
from contradance.runtime.journal_record import COMPLETED


def flow_text(flows: Iterable[Flow]) -> str:
    """Return flows as trees of functions and events, each function with the outcome of the attempt that counts."""
    return "\n".join("\n".join([*_root_lines(root), ""]) for flow in flows for root in flow.roots)


def _root_lines(root: Handled | Happened) -> Iterator[str]:
    """Yield the lines of a tree: a function that no event caused, or an event from outside."""
    if isinstance(root, Handled):
        yield f"{root.last.trigger}  {_outcome_text(root)}"
        yield from _as_branches([_event_lines(event) for event in root.published])
    else:
        yield from _event_lines(root)


def _event_lines(event: Happened) -> list[str]:
    """Return the lines of an event and of everything that it caused."""
    name = event.contract.rpartition("/")[2].removesuffix(" v1")
    below = [
        [_outcome_text(one), *_as_branches([_event_lines(inner) for inner in one.published])]
        for one in event.deliveries
    ]
    return [name, *_as_branches(below)]


def _outcome_text(handled: Handled) -> str:
    """Return a function's name, with its outcome unless it is done in attempt 1: attempt, dead letter, 500, waiting."""
    last = handled.last
    if last.outcome in COMPLETED:
        return last.function if last.attempt == 1 else f"{last.function}  in attempt {last.attempt}"
    if last.dead:
        return f"{last.function}  {last.outcome} in attempt {last.attempt}: dead letter"
    if last.is_request:
        return f"{last.function}  failed: answered with 500"
    return f"{last.function}  {last.outcome} in attempt {last.attempt}: waits"


def _as_branches(blocks: list[list[str]]) -> list[str]:
    """Return the lines of blocks, each a branch of a tree, in alphabetical order, since deliveries have no order."""
    lines = []
    for number, block in enumerate(sorted(blocks)):
        last = number == len(blocks) - 1
        lines.append(f"{'└─ ' if last else '├─ '}{block[0]}")
        lines += [f"{'   ' if last else '│  '}{line}" for line in block[1:]]
    return lines
