"""What each mode promises, and to which states."""

from typing import Any

import pytest

from contradance.compatibility import DEFAULT_MODE, MODES, Mode, check


def model(*required: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": [*required], "additionalProperties": False}


EMPTY, OPTIONAL, REQUIRED = model(), model(a={"type": "string"}), model("a", a={"type": "string"})
NUMBER = model(a={"type": "integer"})


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        (EMPTY, OPTIONAL, set()),
        (EMPTY, REQUIRED, {"backward", "full", "backward-transitive", "full-transitive"}),
        (REQUIRED, EMPTY, {"forward", "full", "forward-transitive", "full-transitive"}),
        (OPTIONAL, NUMBER, {*MODES}),
    ],
)
def test_a_mode_minds_what_it_promises(old: Any, new: Any, broken: set[Mode]) -> None:
    assert {mode for mode in MODES if check(old, new, mode)} == broken


@pytest.mark.parametrize("mode", MODES)
def test_a_transitive_mode_remembers_what_the_last_state_forgot(mode: Mode) -> None:
    history = [OPTIONAL, EMPTY]  # each may take the place of the one before

    found = check(history, NUMBER, mode)

    assert [change.path for change in found] == (["a"] if mode.endswith("transitive") else [])


def test_what_breaks_several_states_alike_is_told_once() -> None:
    assert len(check([OPTIONAL, {**OPTIONAL, "title": "Other"}], NUMBER)) == 1


def test_no_state_promises_nothing() -> None:
    assert [check([], NUMBER, mode) for mode in MODES] == [[]] * len(MODES)


def test_everything_is_promised_to_everybody_unless_a_mode_is_given() -> None:
    assert DEFAULT_MODE == "full-transitive"
    assert check([OPTIONAL, EMPTY], NUMBER) == check([OPTIONAL, EMPTY], NUMBER, "full-transitive")
