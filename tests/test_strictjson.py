"""JSON is read as AWS reads it."""

import pytest

from contradance.strictjson import read_json


@pytest.mark.parametrize("text", ["9223372036854775807", "-9223372036854775808", "1e308", "-0.0", '"\\ud83d\\ude00"'])
def test_the_largest_values_of_aws_are_read(text: str) -> None:
    assert read_json(f'{{"a": [{text}]}}') is not None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("9223372036854775808", "64 bits"),
        ("-9223372036854775809", "64 bits"),
        ("1" * 5_000, "4300 digits"),
        ("1e309", "out of range"),
        ("-1e309", "out of range"),
        ("NaN", "NaN is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ('"\\ud83d"', "surrogates"),
        ("[" * 1_000 + "]" * 1_000, "more than 1000 levels"),
        ("[" * 200_000 + "]" * 200_000, "nested"),
        ("", "Expecting value"),
        ("{", "property name"),
    ],
    ids=lambda text: text[:25],
)
def test_what_aws_refuses_is_a_value_error(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_json(f"[{text}]" if text else text)


def test_an_integer_may_be_larger_where_that_is_asked_for() -> None:
    assert read_json("[9223372036854775808]", any_integer=True) == [2**63]
    with pytest.raises(ValueError, match="out of range"):
        read_json("1e309", any_integer=True)


def test_a_thousand_levels_are_read() -> None:
    assert read_json("[" * 1_000 + "]" * 1_000) is not None
    assert read_json('{"a":' * 1_000 + "1" + "}" * 1_000) is not None
