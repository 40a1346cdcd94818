"""What the index and the validation rely on, checked exhaustively or against recorded answers."""

import pytest

from contradance.pattern.caseless import Caseless, fold
from contradance.pattern.intervals import Intervals
from contradance.pattern.wildcard import complexity, read


def test_a_character_and_its_forms_fold_to_the_same_text() -> None:
    """Else a rule would be filed where the texts that it matches are not looked up."""
    characters = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]

    assert [each for each in characters if fold(each.lower()) != fold(each.upper())] == []
    assert [each for each in characters if Caseless(each).folded not in (fold(each.lower()), fold(each.upper()))] == []


# Recorded from Event Ruler 2.0.1, MachineComplexityEvaluator.
@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        ("*", 2),
        ("a*", 2),
        ("*a", 2),
        ("*a*", 3),
        ("*ab", 2),
        ("*aa", 3),
        ("*aaa", 4),
        ("*aaaaaaaaaaaa", 13),
        ("a*b*c", 3),
        ("*a*b*", 4),
        ("*:*:*:*:*:event-bus/*", 11),
        ("*:*:*:*:event-bus/*", 9),
        ("*.example.com", 3),
        ("*a*a*a", 6),
        ("*ab*ab*ab", 6),
        ("x*a*b*c*d*e*f*g*h*i*j", 11),
        ("*abcabc", 3),
        ("*/a/*/b/*.json", 6),
    ],
)
def test_the_complexity_of_a_wildcard_is_what_event_ruler_says(text: str, recorded: int) -> None:
    assert complexity(read(text)) == recorded


def test_intervals_are_found_by_the_numbers_in_them_and_by_no_others() -> None:
    ends = [-1e308, -7.5, -1.0, -0.0, 5e-324, 1.0, 1.5, 2.0, 3.0, 1e16, 1e308]
    pairs = [(low, high) for low in ends for high in ends if low <= high]
    intervals: Intervals[tuple[float, float]] = Intervals()
    for number, (low, high) in enumerate(pairs):
        intervals.add(low, high, number, (low, high))

    numbers = [*ends, 0.0, -1.5, 1.75, 2.5, 4.0, 1e300, -1e300]
    first = {number: sorted(intervals.find(number)) for number in numbers}
    for number in range(0, len(pairs), 2):
        intervals.remove(*pairs[number], number)
    then = {number: sorted(intervals.find(number)) for number in numbers}

    assert first == {at: sorted(pair for pair in pairs if pair[0] <= at <= pair[1]) for at in numbers}
    assert then == {at: sorted(pair for pair in pairs[1::2] if pair[0] <= at <= pair[1]) for at in numbers}
