"""The golden file of AWS calls and DynamoDB units, and the rules by which they are counted."""

import pytest

from benchmarks.units import GOLDEN, Item, as_json, index_units, item_bytes, measured, write_units


def test_no_invocation_became_dearer_or_cheaper_unnoticed() -> None:
    assert as_json(measured()) == GOLDEN.read_text(encoding="utf-8"), (
        "Run: python benchmarks/units.py --write; make fix"
    )


@pytest.mark.parametrize(
    ("item", "size"),
    [
        (None, 0),
        ({"né": {"S": "é"}}, 5),
        ({"n": {"N": "100.50"}}, 4),
        ({"n": {"N": "7"}}, 3),
        ({"l": {"L": [{"S": "ab"}, {"S": "c"}]}}, 1 + 3 + 3 + 2),
        ({"m": {"M": {"k": {"S": "v"}}}}, 1 + 3 + 1 + 2),
        ({"b": {"B": b"four"}}, 5),
    ],
    ids=["missing", "text", "number", "digit", "list", "map", "binary"],
)
def test_an_item_has_the_size_that_aws_publishes(item: Item | None, size: int) -> None:
    assert item_bytes(item) == size


@pytest.mark.parametrize(
    ("before", "after", "units"), [(0, 1, 1), (0, 1024, 1), (0, 1025, 2), (2049, 10, 3), (10, 0, 1)]
)
def test_a_write_costs_a_unit_for_each_kilobyte_of_the_larger_item(before: int, after: int, units: int) -> None:
    items = [{"a": {"S": "x" * (size - 1)}} if size else None for size in (before, after)]

    assert write_units(*items) == units


def test_the_index_costs_what_enters_and_leaves_it() -> None:
    outside = {"pk": {"S": "k"}, "lease_expires": {"N": "1"}}
    inside = {**outside, "shard": {"S": "1"}}
    moved = {**inside, "lease_expires": {"N": "2"}}

    costs = [index_units(*pair) for pair in ((outside, inside), (inside, outside), (inside, moved), (inside, inside))]

    assert [index_units(None, outside), *costs] == [0, 1, 1, 2, 0]
