"""Compares a run with a golden file beside the test: the tree of functions and events, in stable text."""

from difflib import unified_diff
from typing import Final

from contradance.testing.flow_text import flow_text
from contradance.testing.run import Run

UPDATE: Final = "--update-choreographies"
"""The pytest option that rewrites golden files."""


def assert_choreography(run: Run, name: str) -> None:
    """Fail unless the flows of `run` equal `<name>.txt` in `run.goldens`; with `run.update` write the file instead.

    The file holds no ids, times or data, so it changes only with the choreography. Run pytest with
    `--update-choreographies` to write it, and review the difference before you commit it.
    """
    file, happened = run.goldens / f"{name}.txt", flow_text(run.flows())
    if run.update:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(happened, encoding="utf-8")
        return
    if not file.exists():
        raise AssertionError(
            f"there is no {file.parent.name}/{file.name} yet. This happened:\n\n{happened}\n"
            f"If that is right, write it: pytest {UPDATE}."
        )
    kept = file.read_text(encoding="utf-8")
    if kept != happened:
        difference = unified_diff(kept.splitlines(), happened.splitlines(), "kept", "happened", lineterm="")
        raise AssertionError(
            f"what happened differs from {file.parent.name}/{file.name}:\n\n" + "\n".join(difference) + "\n\n"
            f"If that is right, write it: pytest {UPDATE}."
        )
