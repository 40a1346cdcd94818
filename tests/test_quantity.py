import pytest

from contradance.quantity import counted


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (0, "event", "0 events"),
        (1, "event", "1 event"),
        (2, "dead letter", "2 dead letters"),
        (1, "retry", "1 retry"),
        (5, "retry", "5 retries"),
        (1_200, "delivery", "1,200 deliveries"),
        (2, "day", "2 days"),
    ],
)
def test_a_count_has_its_noun_in_the_singular_or_the_plural(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text
