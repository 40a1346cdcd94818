"""What is shown of an event: personal data, and whatever is not EventBridge's, is masked."""

from typing import Any

import pytest

from contradance.operate.masking import masked_event
from tests.fuzz.test_fuzz import EVENT
from tests.fuzz.world import club


def test_marked_fields_are_masked() -> None:
    shown: Any = masked_event(club, EVENT)

    assert shown["detail"]["data"] == {"member": "m-1", "name": "***", "age": 1, "tags": ["a"]}
    assert {name: shown[name] for name in EVENT if name != "detail"} == {
        name: value for name, value in EVENT.items() if name != "detail"
    }


@pytest.mark.parametrize("name", [*sorted(EVENT.keys() - {"detail"}), "replay-name", "more"])
@pytest.mark.parametrize("odd", [{"name": "Jane"}, ["Jane", {"name": "Jane"}], 5, None, True], ids=str)
def test_what_is_not_the_text_that_eventbridge_writes_is_masked(name: str, odd: object) -> None:
    assert masked_event(club, {**EVENT, name: odd})[name] == "***"


def test_a_field_that_eventbridge_does_not_write_is_masked() -> None:
    assert masked_event(club, {**EVENT, "name": "Jane"})["name"] == "***"
    assert masked_event(club, {"schedule": "s", "scheduled_time": {"name": "Jane"}, "name": "Jane"}) == {
        "schedule": "s",
        "scheduled_time": "***",
        "name": "***",
    }


@pytest.mark.parametrize("version", [2, -1, 10**30, "1", 1.0, None, {"name": "Jane"}, []], ids=str)
def test_a_version_that_is_unknown_here_shows_nothing_of_the_detail(version: object) -> None:
    detail: Any = EVENT["detail"]
    event = {**EVENT, "detail": {**detail, "metadata": {**detail["metadata"], "version": version}}}

    assert masked_event(club, event)["detail"] == "***"
