import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance.errors import CannotCreate
from contradance.scaffold.source import Source

CHOREOGRAPHY = '''\
"""Who acts."""  # é: more bytes than characters

from contradance import Choreography  # the whole
from library.registry import registry
from functions.loans.lend_book import lend_book
from functions.notices.tell_reader import (
    # why it is here
    tell_reader,  # and this
)

library = Choreography(
    "library",  # é
    contracts=registry,
    functions=[
        # loans
        lend_book,  # first of all
        # notices
        tell_reader,
    ],
)
'''


def source(text: str) -> Source:
    return Source("x.py", text)


def test_a_function_is_listed_behind_the_others_of_its_service_and_every_comment_stays() -> None:
    edited = source(CHOREOGRAPHY).with_item("Choreography", "functions", "return_book", "lend_book")

    assert edited.text == CHOREOGRAPHY.replace(
        "        lend_book,  # first of all\n", "        lend_book,  # first of all\n        return_book,\n"
    )


def test_a_function_of_a_new_service_is_listed_at_the_end() -> None:
    edited = source(CHOREOGRAPHY).with_item("Choreography", "functions", "count")

    assert edited.text == CHOREOGRAPHY.replace("        tell_reader,\n", "        tell_reader,\n        count,\n", 1)


def test_what_is_listed_already_is_not_listed_twice() -> None:
    assert source(CHOREOGRAPHY).with_item("Choreography", "functions", "lend_book").text == CHOREOGRAPHY


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f([])", "f([\n    x,\n])"),
        ("f([a])", "f([a, x])"),
        ("f([a, b])", "f([a, b, x])"),
        ("f([\n    a\n])", "f([\n    a,\n    x,\n])"),
        ("f([\n    a,\n])", "f([\n    a,\n    x,\n])"),
    ],
)
def test_a_list_keeps_its_form(before: str, after: str) -> None:
    text = before.replace("f(", 'Registry("library", ')

    assert source(text).with_item("Registry", None, "x").text == after.replace("f(", 'Registry("library", ')


@pytest.mark.parametrize("text", ["", "library = Choreography('library', functions=all_of_them)", "x = [1]"])
def test_a_list_that_is_not_there_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(CannotCreate, match=r"does not call Choreography\(... functions=\[...\]\)"):
        source(text).with_item("Choreography", "functions", "x")


def test_an_import_joins_the_one_of_its_module() -> None:
    text = "from contradance import PII, Contract, subscriber  # why\n"

    edited = source(text).with_import("contradance", "Delivery")

    assert edited.text == "from contradance import PII, Contract, Delivery, subscriber  # why\n"


def test_an_import_joins_one_over_several_lines_and_leaves_its_comments() -> None:
    edited = source(CHOREOGRAPHY).with_import("functions.notices.tell_reader", "recall")

    assert edited.text == CHOREOGRAPHY.replace(
        "    tell_reader,  # and this\n", "    recall,\n    tell_reader,  # and this\n"
    )


def test_an_import_that_is_there_is_left_alone() -> None:
    assert source(CHOREOGRAPHY).with_import("library.registry", "registry").text == CHOREOGRAPHY


def test_a_long_import_is_broken_into_lines() -> None:
    names = [f"AVeryVeryLongNameOfAnEvent{letter}" for letter in "ABCD"]
    text = f"from library import {', '.join(names[:3])}\n"

    edited = source(text).with_import("library", names[3])

    assert edited.text == "from library import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"


def test_a_name_that_means_something_else_there_is_refused() -> None:
    with pytest.raises(CannotCreate, match="already defines lend_book"):
        source(CHOREOGRAPHY).with_import("functions.shelves.lend_book", "lend_book")


@pytest.mark.parametrize("text", ["", '"""Doc."""\n', '"""Doc."""\n\nX = 1\n', "import os\n", "X = 1\n"])
def test_an_import_may_be_the_first(text: str) -> None:
    edited = source(text).with_import("contradance", "Contract")

    assert edited.bindings()["Contract"] == "contradance:Contract"
    assert ast.get_docstring(edited.tree) == ast.get_docstring(ast.parse(text))


HANDLER = """\
@subscriber(
    uses=[x],  # why
)
def count(event: A, delivery: Delivery) -> None:
    pass
"""


def test_a_handler_takes_one_more_event() -> None:
    assert source(HANDLER).with_union_member("count", "B").text == HANDLER.replace("event: A,", "event: A | B,")


@pytest.mark.parametrize(
    "alias", ["News = A | B\n", "News: TypeAlias = A | B\n", "News = (\n    A  # first\n    | B\n)\n"]
)
def test_an_alias_takes_one_more_event(alias: str) -> None:
    edited = source(alias).with_union_member("News", "C")

    assert sorted(edited.union_names("News")) == ["A", "B", "C"]
    assert edited.text.replace(" | C", "") == alias


def test_what_is_not_python_is_refused_by_its_line() -> None:
    with pytest.raises(CannotCreate, match=r"x\.py is not Python: .*, line 2"):
        source("x = 1\ny = (\n").bindings()


NAMES = st.from_regex(r"[A-Z][a-z]{1,8}", fullmatch=True)


@given(
    st.lists(NAMES, min_size=1, max_size=8, unique=True), st.lists(st.text("# é'\"[](),\n", max_size=12), max_size=8)
)
def test_whatever_stands_between_the_items_only_the_new_one_is_added(names: list[str], between: list[str]) -> None:
    comments = [f"  # {' '.join(one.split())}" for one in between] + [""] * len(names)
    lines = "".join(f"    {name},{comment}\n" for name, comment in zip(names, comments, strict=False))
    text = f'registry = Registry("é", [\n{lines}])\n'

    edited = source(text).with_item("Registry", None, "new", names[0])

    assert edited.list_names("Registry", None) == [names[0], "new", *names[1:]]
    assert edited.text.replace("    new,\n", "", 1) == text


@pytest.mark.parametrize("break_", ["\x0c", "\x1c", "\x85", "\u2028"])
def test_lines_are_counted_as_the_parser_counts_them(break_: str) -> None:
    text = f'"""A page{break_}and another."""\n\nfrom a import b\n\nx = F("n", functions=[])\n'

    edited = Source("a.py", text).with_import("c", "d").with_item("F", "functions", "d")

    assert edited.text == text.replace("import b\n", "import b\nfrom c import d\n").replace("[]", "[\n    d,\n]")
