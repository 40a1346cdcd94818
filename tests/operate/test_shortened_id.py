"""A search term names an id whole, or by its first eight characters; in memory and in the laptop's file alike."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance.local.state.ids import id_range
from contradance.operate.shortened_id import selects

TEXTS = st.text(st.sampled_from("ab-") | st.characters(codec="utf-8", exclude_characters="\0\U0010ffff"), max_size=12)
"""Ids have neither the first nor the last character of Unicode."""


@pytest.mark.parametrize(
    ("term", "selected"),
    [
        ("order-10", True),
        ("order-100", True),
        ("order-1", False),
        ("rder-100", False),
        ("order-1000", False),
        ("", False),
    ],
)
def test_eight_characters_are_the_beginning_of_an_id_and_fewer_are_all_of_it(term: str, selected: bool) -> None:
    assert selects(term, "order-100") is selected
    assert selects("order-1", "order-1")


@given(TEXTS, TEXTS)
def test_a_query_selects_what_the_term_selects(term: str, rest: str) -> None:
    first, end = id_range(term)
    ids = [term, rest, term + rest]

    with closing(sqlite3.connect(":memory:")) as connection:
        read = [connection.execute("SELECT ? >= ? AND ? < ?", (one, first, one, end)).fetchone()[0] for one in ids]

    assert [bool(found) for found in read] == [selects(term, one) for one in ids]
