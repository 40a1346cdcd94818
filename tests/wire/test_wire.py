"""JSON is written and read by aliases; a model's own configuration does not change that."""

import json
from math import inf
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.alias_generators import to_camel

from contradance.bounds import MAX_PROBLEMS
from contradance.violation import problems
from contradance.wire import as_text, read_closed, read_tolerant, to_wire


class Loan(BaseModel):
    """A model whose configuration allows names of both kinds."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")

    loan_id: int


def test_json_has_aliases_on_one_line_unless_it_is_to_be_indented() -> None:
    assert to_wire(Loan(loan_id=1)) == b'{"loanId":1}'
    assert to_wire(Loan(loan_id=1), indent=2) == b'{\n  "loanId": 1\n}'


@pytest.mark.parametrize("read", [read_closed, read_tolerant])
def test_the_name_in_python_is_read_only_on_request(read: Any) -> None:
    with pytest.raises(ValidationError):
        read(Loan, b'{"loan_id":1}')

    assert read(Loan, b'{"loan_id":1}', by_name=True) == Loan(loan_id=1)


@pytest.mark.parametrize("read", [read_closed, read_tolerant])
def test_an_alias_is_read_even_where_the_name_in_python_may_be_used(read: Any) -> None:
    assert read(Loan, b'{"loanId":1}', by_name=True) == Loan(loan_id=1)


def test_unknown_fields_are_refused_ignored_or_kept_as_the_caller_asks() -> None:
    text = b'{"loanId":1,"new":2}'

    with pytest.raises(ValidationError):
        read_closed(Loan, text)

    assert read_closed(Loan, text, extra=None).model_extra == {"new": 2}
    assert not read_tolerant(Loan, text).model_extra
    assert read_tolerant(Loan, b'{"loan_id":1,"new":2}', by_name=True) == Loan(loan_id=1)


def test_a_number_that_json_lacks_is_not_read_as_null() -> None:
    assert as_text({"a": inf}) == b'{"a":Infinity}'


def test_half_of_a_surrogate_pair_becomes_an_escape() -> None:
    assert as_text({"a": "\ud800"}) == b'{"a": "\\ud800"}'


class Shelf(BaseModel):
    """A model of which large JSON may have many items."""

    places: list[int]


def test_large_json_is_read_by_the_same_rules() -> None:
    text = json.dumps({"places": [1] * 2_000, "new": 1})

    with pytest.raises(ValidationError, match="new"):
        read_closed(Shelf, text)

    assert len(read_tolerant(Shelf, text).places) == 2_000


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        pytest.param(list[int], ["x"] * 2_000, id="list"),
        pytest.param(tuple[int, ...], ["x"] * 2_000, id="tuple"),
        pytest.param(frozenset[int], [str(number) + "x" for number in range(2_000)], id="frozenset"),
        pytest.param(dict[str, int], {f"k{number}": "x" for number in range(2_000)}, id="dict"),
        pytest.param(list[tuple[int, ...]], [["x"]] * 2_000, id="nested"),
    ],
)
@pytest.mark.parametrize("read", [read_closed, read_tolerant])
def test_of_large_json_the_first_problems_are_named_and_the_others_counted(kind: Any, wrong: object, read: Any) -> None:
    model = create_model("Shelves", places=(kind, ...))
    text = json.dumps({"places": wrong})

    for _ in range(2):  # one reading leaves nothing for the next
        with pytest.raises(ValidationError) as refused:
            read(model, text)

        assert refused.value.error_count() == MAX_PROBLEMS
        assert len(found := problems(refused.value)) == MAX_PROBLEMS + 1
        assert found[-1] == ("...", "and 1,980 more problems")
