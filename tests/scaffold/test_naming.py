import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance import Contract
from contradance.errors import CannotCreate
from contradance.scaffold.naming import (
    app_name,
    event_name,
    field_name,
    find_service,
    function_name,
    pascal,
    service_name,
    snake,
)


@pytest.mark.parametrize(
    ("name", "event"),
    [("book_lent", "BookLent"), ("BookLent", "BookLent"), ("lent", "Lent"), ("book_2_lent", "Book2Lent")],
)
def test_an_event_is_named_in_the_articles_way_or_in_ours(name: str, event: str) -> None:
    assert event_name(name) == event


@pytest.mark.parametrize("name", ["Book Lent", "book-lent", "1Book", "", "Bücher", "../x", "Book_Lent", "Contract"])
def test_a_name_that_can_be_no_class_is_no_event(name: str) -> None:
    with pytest.raises(CannotCreate, match="cannot name an event"):
        event_name(name)


@pytest.mark.parametrize("name", ["Remind", "remind reader", "remind-reader", "_x", "class", "print", "", "a/b", "log"])
def test_a_name_that_can_be_no_module_is_no_function(name: str) -> None:
    with pytest.raises(CannotCreate, match="cannot name a function"):
        function_name(name)


@pytest.mark.parametrize("name", ["Loans", "loan s", "../loans", "import", ""])
def test_a_name_that_can_be_no_folder_is_no_service(name: str) -> None:
    with pytest.raises(CannotCreate, match="cannot name a service"):
        service_name(name)


@pytest.mark.parametrize("name", ["aws", "My", "a b", "..", "a/b", "", "contradance", "é"])
def test_a_name_that_can_be_no_source_is_no_project(name: str) -> None:
    with pytest.raises(CannotCreate, match="cannot name a project"):
        app_name(name)


@pytest.mark.parametrize("name", ["subject", "identity", "model_dump", "class", "copy", "Loan"])
def test_a_name_that_a_contract_has_is_no_field(name: str) -> None:
    with pytest.raises(CannotCreate, match="cannot name a field"):
        field_name(name)


@pytest.mark.parametrize("check", [app_name, service_name, function_name, field_name])
def test_a_name_is_no_longer_than_aws_takes(check: object) -> None:
    assert callable(check)
    with pytest.raises(CannotCreate, match="this one has 200"):
        check("a" * 200)


@given(st.from_regex(r"[a-z]{2,8}(_[a-z]{2,8}){0,3}", fullmatch=True))
def test_a_snake_that_was_made_a_class_comes_back(name: str) -> None:
    assert snake(pascal(name)) == name


@given(st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True))
def test_a_field_that_is_let_through_makes_a_contract(name: str) -> None:
    try:
        field_name(name)
    except CannotCreate:
        return

    made = type("Made", (Contract,), {"__annotations__": {"key_": str, name: str}}, source="a.b", subject="key_")

    assert name in vars(made)["__pydantic_fields__"]
    assert not keyword.iskeyword(name)


@pytest.mark.parametrize(
    ("word", "found"), [("loan", "loans"), ("loans", "loans"), ("delivery", "deliveries"), ("x", None)]
)
def test_a_service_is_found_by_its_singular(word: str, found: str | None) -> None:
    assert find_service(["loans", "deliveries"], word) == found
