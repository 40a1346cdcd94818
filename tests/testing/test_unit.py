"""Tables, settings and a delivery for a handler that is called as a plain function."""

from datetime import UTC, datetime

from contradance.testing.unit import InMemoryUnit, delivery, unit_of_work


def items(*keys: str) -> InMemoryUnit:
    unit = InMemoryUnit()
    for key in keys:
        unit.put("loans", (key[0], key[1:]), f'{{"key":"{key}"}}')
    return unit


def test_a_scan_goes_page_by_page_in_the_order_of_keys() -> None:
    unit = items("b1", "a2", "a1", "c1")

    pages, after = [], None
    while page := unit.scan("loans", 3, after):
        pages.append([partition + sort for (partition, sort), _ in page])
        after = page[-1][0]

    assert pages == [["a1", "a2", "b1"], ["c1"]]
    assert unit.scan("other", 3, None) == []


def test_a_query_returns_one_partition_in_the_order_of_sort_keys() -> None:
    assert items("b1", "a2", "a1").query("loans", "a") == ['{"key":"a1"}', '{"key":"a2"}']


def test_a_deleted_item_does_not_exist_and_may_be_deleted_again() -> None:
    unit = items("a1")

    for _ in range(2):
        unit.put("loans", ("a", "1"), None)

    assert unit.get("loans", ("a", "1")) is None


def test_settings_are_variables() -> None:
    with unit_of_work(most_loans=3) as unit:
        assert unit.variable("SETTING_MOST_LOANS") == "3"
        assert unit.variable("SETTING_FEE") is None


def test_a_delivery_is_the_same_in_every_test() -> None:
    made = delivery()

    assert (made.event_id, made.correlation_id, made.attempt, made.idempotency_key) == ("event-1", "flow-1", 1, "key-1")
    assert (made.now, made.is_replay) == (datetime(2026, 1, 31, 18, tzinfo=UTC), False)
