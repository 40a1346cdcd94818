from datetime import UTC, datetime

import pytest

from contradance.cli.moment import Days, clock_time

EVENING = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
NIGHT = datetime(2026, 2, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "text"), [(EVENING, "23:59:59"), (NIGHT, "2026-02-01 00:00:01")], ids=["the same day", "the next day"]
)
def test_a_time_has_its_date_beside_a_time_of_another_day(at: datetime, text: str) -> None:
    assert clock_time(at, EVENING) == text


def test_a_list_has_a_heading_where_its_day_changes() -> None:
    days = Days()

    assert [days.heading(at) for at in (EVENING, EVENING, NIGHT, NIGHT, EVENING)] == [
        None,
        None,
        "2026-02-01",
        None,
        "2026-01-31",
    ]
