"""A run as text that is the same every time: the tree of what caused what, kept beside the tests as a golden file."""

from collections.abc import Iterator
from difflib import unified_diff
from typing import Final

from contradance.operate.flow import COMPLETED, Handled, Happened
from contradance.testing.run import Run

UPDATE: Final = "--update-choreographies"
"""The option that writes golden files anew."""


def assert_choreography(run: Run, name: str) -> None:
    """Compare what happened in `run` with the golden file `choreographies/<name>.txt` beside the test.

    The file holds no ids, times or data: it changes when the choreography does. Run pytest with
    `--update-choreographies` to write it, and read the difference before it is committed.
    """
    file, happened = run.goldens / f"{name}.txt", told(run)
    if run.update:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(happened, encoding="utf-8")
        return
    if not file.exists():
        raise AssertionError(
            f"there is no {file.parent.name}/{file.name} yet. This happened:\n\n{happened}\n"
            f"If it should: pytest {UPDATE} keeps it."
        )
    kept = file.read_text(encoding="utf-8")
    if kept != happened:
        difference = unified_diff(kept.splitlines(), happened.splitlines(), "kept", "happened", lineterm="")
        raise AssertionError(
            f"what happened is not what {file.parent.name}/{file.name} keeps:\n\n" + "\n".join(difference) + "\n\n"
            f"If it should be: pytest {UPDATE} keeps it."
        )


def told(run: Run) -> str:
    """Return every flow of a run as a tree: functions, the events they published, and how each delivery ended."""
    return "\n".join("\n".join([*_root(root), ""]) for flow in run.flows() for root in flow.roots)


def _root(root: Handled | Happened) -> Iterator[str]:
    if isinstance(root, Handled):
        yield f"{root.last.trigger}  {_handled(root)}"
        yield from _under([_event(event) for event in root.published])
    else:
        yield from _event(root)


def _event(event: Happened) -> list[str]:
    name = event.contract.rpartition("/")[2].removesuffix(" v1")
    below = [[_handled(one), *_under([_event(inner) for inner in one.published])] for one in event.deliveries]
    return [name, *_under(below)]


def _handled(handled: Handled) -> str:
    last = handled.last
    if last.outcome in COMPLETED:
        return last.function if last.attempt == 1 else f"{last.function}  in attempt {last.attempt}"
    if last.dead:
        return f"{last.function}  {last.outcome} in attempt {last.attempt}: dead letter"
    return f"{last.function}  {last.outcome} in attempt {last.attempt}: waits"


def _under(blocks: list[list[str]]) -> list[str]:
    """Return blocks of lines as the branches of a tree, in alphabetical order: deliveries have no order of their own."""
    lines = []
    for number, block in enumerate(sorted(blocks)):
        last = number == len(blocks) - 1
        lines.append(f"{'└─ ' if last else '├─ '}{block[0]}")
        lines += [f"{'   ' if last else '│  '}{line}" for line in block[1:]]
    return lines
