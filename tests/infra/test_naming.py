"""Names: readable, within AWS's limits, and never two alike."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance.errors import InvalidStack
from contradance.infra.planning.naming import LONGEST, Names, ResourceKind, fitting_name

PARTS = st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=3)
KINDS: st.SearchStrategy[ResourceKind] = st.sampled_from(sorted(LONGEST))


def test_a_short_name_says_what_it_is() -> None:
    names = Names("city-library", "dev")

    assert names.name("function", "loans", "lend_book") == "city-library-dev-loans-lend_book"
    assert (
        names.name("queue", "loans", "lend_book", suffix="dead-letters")
        == "city-library-dev-loans-lend_book-dead-letters"
    )
    assert names.name("bus") == "city-library-dev"


def test_a_long_name_is_cut_before_its_suffix_and_told_apart_by_a_hash() -> None:
    names = Names("city-library", "dev")

    first = names.name("queue", "loans", "x" * 70, suffix="dead-letters")
    second = names.name("queue", "loans", "x" * 71, suffix="dead-letters")

    assert len(first) == len(second) == 80
    assert re.fullmatch(r"city-library-dev-loans-x+-[0-9a-f]{8}-dead-letters", first)
    assert first != second


def test_the_hash_is_the_same_on_any_machine() -> None:
    assert fitting_name("y" * 70, "a/b", 64) == "y" * 55 + "-c14cddc0"


def test_a_name_that_aws_does_not_take_is_told_apart_from_the_one_it_becomes() -> None:
    dotted, dashed = Names("city.library", "dev"), Names("city-library", "dev")

    assert re.fullmatch(r"city-library-dev-[0-9a-f]{8}", dotted.name("bus"))
    assert dashed.name("bus") == "city-library-dev"


def test_two_functions_with_one_name_are_refused() -> None:
    names = Names("city-library", "dev")
    names.name("function", "loans-desk", "lend")

    with pytest.raises(
        InvalidStack, match="'city-library-dev-loans-desk-lend', to two of its functions: loans-desk lend and"
    ):
        names.name("function", "loans", "desk-lend")


def test_two_kinds_may_have_one_name() -> None:
    names = Names("city-library", "dev")

    assert names.name("function", "loans", "lend") == names.name("role", "loans", "lend")


@given(app=st.text(min_size=1, max_size=80), stack=st.text(min_size=1, max_size=80), kind=KINDS, parts=PARTS)
def test_a_name_is_one_that_aws_takes(app: str, stack: str, kind: ResourceKind, parts: list[str]) -> None:
    name = Names(app, stack).name(kind, *parts, suffix="dead-letters")

    assert re.fullmatch(r"[A-Za-z0-9_-]+", name)
    assert len(name) <= LONGEST[kind]
    assert name.endswith("-dead-letters")
    assert Names(app, stack).name(kind, *parts, suffix="dead-letters") == name


@given(kind=KINDS, parts=st.lists(PARTS, min_size=2, max_size=20, unique_by=tuple))
def test_different_things_have_different_names_or_are_refused(kind: ResourceKind, parts: list[list[str]]) -> None:
    names = Names("city-library", "dev")
    made = []
    for each in parts:
        try:
            made.append(names.name(kind, *each))
        except InvalidStack:
            continue

    assert len(made) == len(set(made))
