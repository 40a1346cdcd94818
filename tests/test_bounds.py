"""What records a failure is small, however large and however wrong its input is."""

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from pydantic import BaseModel, Field, ValidationError, create_model

from contradance import Contract, ForeignEvent, Value, route
from contradance.bounds import (
    MAX_COUNTED,
    MAX_MESSAGE_BYTES,
    MAX_PROBLEM_ANSWER_BYTES,
    MAX_PROBLEMS,
    MAX_REASON_BYTES,
    shortened,
)
from contradance.contract import check_value
from contradance.envelope import seal
from contradance.errors import ContradanceError, InvalidContract, InvalidFunction, TooMuchWork
from contradance.local.console.pages import pretty
from contradance.runtime.attempt import message_body
from contradance.runtime.error_description import describe_error, exception_text, message_of, with_bounded_message
from contradance.runtime.journal_record import JournalRecord
from contradance.runtime.request import problem
from contradance.violation import problems, violation
from contradance.wire import read_closed, read_tolerant
from tests.examples import examples


class Line(Value):
    a: int
    b: int
    c: int
    d: int


class OtherLine(Value):
    e: int
    f: int


MEMBERS: Any = [create_model(f"Member{i}", __base__=Value, **{f"a{i}": (int, ...)}) for i in range(12)]  # type: ignore[call-overload]


class Basket(Contract, source="shop.desk", subject="name"):
    name: str = "b"
    numbers: list[int] = Field(default=[])
    lines: list[Line | OtherLine] = Field(default=[])
    by_name: dict[str, Line] = Field(default={})
    prices: set[float] = Field(default=set())
    several: tuple[Line, ...] = ()
    nested: list[list[Line]] = Field(default=[])
    either: reduce(or_, MEMBERS) | None = None  # type: ignore[valid-type]


WRONG: dict[str, Callable[[int], dict[str, Any]]] = {
    "numbers": lambda size: {"numbers": ["x"] * size},
    "lines": lambda size: {"lines": [{}] * size},
    "by_name": lambda size: {"by_name": {str(i): {} for i in range(size)}},
    "prices": lambda size: {"prices": [f"x{i}" for i in range(size)]},
    "several": lambda size: {"several": [{}] * size},
    "nested": lambda size: {"nested": [[{}] * 10] * (size // 10)},
    "unknown names of a union's members": lambda size: {"either": {f"f{i}": 1 for i in range(size)}},
    "one of many": lambda size: {"numbers": [*range(size), "x"]},
    "unknown names": lambda size: {"x" * 100_000: 1, **{f"f{i}": 1 for i in range(size)}, "numbers": [None]},
}


def refused(data: dict[str, Any], read: Any = read_tolerant) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        read(Basket, json.dumps(data))
    return caught.value


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("read", [read_closed, read_tolerant])
def test_a_refusal_names_twenty_problems_and_the_number_of_the_others(read: Any, wrong: Any) -> None:
    error = refused(wrong(60_000), read)
    text = str(violation(Basket, error, event_id="e", publisher="desk.test", consumer="clerk.listen"))

    assert len(problems(error)) <= MAX_PROBLEMS + 1
    assert error.error_count() <= MAX_COUNTED  # each takes a kilobyte of memory
    assert len(text) < 20_000
    assert len(message_of(error).encode()) <= MAX_REASON_BYTES


def test_a_union_that_no_member_matches_has_the_problems_of_each_unless_they_could_be_too_many() -> None:
    few, many = ({"either": {"a5": "x", **{f"f{i}": 1 for i in range(size)}}} for size in (300, 60_000))

    assert ("data.either.Member5.a5", "Input should be a valid integer, unable to parse string as an integer") in (
        _listed(few)
    )
    assert _listed(many) == [("data.either", "Input should match a member of the union")]


def _listed(data: dict[str, Any]) -> list[tuple[str, str]]:
    return problems(refused(data), "data")


def test_the_number_of_the_others_is_exact() -> None:
    found = problems(refused(WRONG["numbers"](120_000)), "data")

    assert [path for path, _ in found[:MAX_PROBLEMS]] == [f"data.numbers.{i}" for i in range(MAX_PROBLEMS)]
    assert found[-1] == ("data", "and 119,980 more problems")


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_refusal_costs_a_small_multiple_of_reading_its_json(wrong: Any) -> None:
    text = json.dumps(wrong(60_000))
    refused(wrong(1_000))  # its validators are built once

    parsing = _cpu(lambda: json.loads(text))
    reading = _cpu(lambda: problems(refused(wrong(60_000))))

    assert reading < 60 * parsing + 0.2  # without bounds: 300 to 3,000 times


def _cpu(act: Callable[[], object]) -> float:
    start = time.process_time()
    act()
    return time.process_time() - start


@settings(examples(15))
@given(st.lists(st.one_of(st.integers(0, 9), st.just("x")), min_size=300, max_size=600), st.booleans())
def test_large_input_is_accepted_and_refused_as_small_input_is(numbers: list[object], unknown: bool) -> None:
    data = {"numbers": numbers, "lines": [{"a": 1, "b": 2, "c": 3, "d": 4}] * 20} | ({"new": 1} if unknown else {})

    try:
        known: object = Basket.__pydantic_validator__.validate_json(json.dumps(data), extra="ignore")
    except ValidationError as error:
        known = error.error_count()
    try:
        read: object = read_tolerant(Basket, json.dumps(data))
    except ValidationError as error:
        read = error.error_count() + getattr(error, "left_out", 0)

    assert read == known


@settings(examples(200))
@given(st.text(st.characters(codec=None), max_size=60), st.integers(0, 50))
def test_shortened_text_is_within_its_bound_and_can_be_encoded(text: str, most: int) -> None:
    short = shortened(text, most)

    assert len(short.encode()) <= most
    assert short == text or len(text.encode(errors="surrogatepass")) > most or not text.isascii()


@settings(examples(100))
@given(st.lists(st.tuples(st.text(max_size=300), st.text(max_size=300)), max_size=300), st.text(max_size=9_000))
def test_a_problem_answer_is_json_within_its_bound(found: list[tuple[str, str]], message: str) -> None:
    body = problem(422, message, [(path * 20, text * 20) for path, text in found])["body"]

    assert len(body.encode()) <= MAX_PROBLEM_ANSWER_BYTES
    assert isinstance(json.loads(body)["message"], str)


def test_a_problem_answer_names_as_many_problems_as_fit() -> None:
    body = problem(422, "wrong", [("f", "m")] * 10_000)["body"]

    assert 65_500 < len(body.encode()) <= 65_536  # another problem has 32 bytes, and the last no comma


class Unprintable(RuntimeError):
    def __str__(self) -> str:
        raise SystemExit


def _group() -> BaseException:
    return ExceptionGroup("g", [ValueError("x" * 1_000) for _ in range(10_000)])


ERRORS: dict[str, BaseException] = {
    "large": ValueError("x" * 9_000_000),
    "half of a pair": ValueError("\ud800 é"),
    "unprintable": Unprintable(),
    "group": _group(),
    "validation": refused(WRONG["numbers"](5_000)),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_every_error_is_described_within_bounds_and_can_be_recorded(error: BaseException) -> None:
    described = describe_error(error)
    record = _record(error=message_of(error))

    described.encode()
    assert len(described) < 500
    assert len(exception_text(error).encode()) < 40_000
    assert len(record.model_dump_json()) < 2 * MAX_REASON_BYTES + 1_000


@pytest.mark.parametrize(
    "error",
    [ERRORS["large"], ERRORS["validation"], refused(WRONG["numbers"](MAX_PROBLEMS + 1)), ValueError("é" * 2_049)],
    ids=["large", "validation", "problems", "bytes"],
)
def test_lambda_is_given_a_short_message_under_the_same_name(error: Exception) -> None:
    bounded = with_bounded_message(error)

    assert type(bounded).__name__ == type(error).__name__
    assert isinstance(bounded, ContradanceError)
    assert len(str(bounded).encode()) <= MAX_REASON_BYTES


@pytest.mark.parametrize(
    "error",
    [
        ERRORS["half of a pair"],
        ERRORS["unprintable"],
        ERRORS["group"],
        refused(WRONG["numbers"](MAX_PROBLEMS)),
        ValueError("é" * 2_048),
    ],
    ids=["half of a pair", "unprintable", "group", "problems", "bytes"],
)
def test_lambda_is_given_an_error_with_a_short_message_itself(error: Exception) -> None:
    assert with_bounded_message(error) is error


def test_no_id_of_another_publisher_makes_a_record_large_or_impossible() -> None:
    record = _record(event_id="\ud800" * 100_000, subject="s" * 100_000, correlation_id="c" * 100_000)

    assert len(record.model_dump_json()) < 20_000


def _record(**changes: Any) -> JournalRecord:
    known: dict[str, Any] = {
        "function": "clerk.listen",
        "trigger": "shop.desk/Asked v1",
        "event_id": "e",
        "subject": None,
        "correlation_id": "c",
        "causation_id": None,
        "attempt": 1,
        "outcome": "failed",
        "retries_left": 0,
        "started_at": datetime(2026, 1, 1, tzinfo=UTC),
        "duration_ms": 1,
    }
    return JournalRecord(**{**known, **changes})


def test_what_is_as_long_as_its_limit_stays() -> None:
    assert (shortened("äb", 3), shortened("äbc", 3)) == ("äb", "…")
    assert (shortened("abcd", 4), shortened("abcde", 4), shortened("abcde" * 9, 4)) == ("abcd", "a…", "a…")


def test_what_is_too_long_is_cut_to_its_limit_exactly() -> None:
    text = "x" * 100_000
    error = ValueError(text)
    for _ in range(10):
        error, error.__cause__ = ValueError(text), error
    [(path, _)] = problems(refused({text: 1}, read_closed))

    sizes = {
        "reason of a dead letter": len(message_of(error).encode()),
        "traceback": len(exception_text(error).encode()),
        "id in a record": len(_record(correlation_id=text).correlation_id.encode()),
        "event on a page": len(pretty(text).encode()),
        "path of a problem": len(path.encode()),
    }

    assert sizes == {
        "reason of a dead letter": 4_096,
        "traceback": 32_768,
        "id in a record": 4_096,
        "event on a page": 16_384,
        "path of a problem": 200,
    }


def test_a_long_message_of_a_problem_is_cut_to_its_limit() -> None:
    choice: Any = Literal[tuple(f"choice {number}" for number in range(100))]
    model = create_model("Choosing", one=(choice, ...))
    with pytest.raises(ValidationError) as caught:
        model(one="other")

    [(_, message)] = problems(caught.value)

    assert len(message.encode()) == 400


def test_what_was_not_counted_is_at_least_a_number() -> None:
    found = problems(refused(WRONG["numbers"](250_000)), "data")

    assert found[-1] == ("data", "and at least 200,000 more problems")


@pytest.mark.parametrize("size", [1_024, 1_025])
def test_a_subject_that_would_not_fit_into_records_is_refused_when_published(size: int) -> None:
    refusal = pytest.raises(TooMuchWork, match="a subject of 1,025 characters; the limit is 1,024")
    with nullcontext() if size == 1_024 else refusal:
        seal(
            Basket(name="x" * size),
            event_id="e",
            occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
            correlation_id="c",
            publisher="desk.test",
        )


@settings(examples(100))
@given(st.dictionaries(st.text(st.characters(codec=None)), st.text(st.characters(codec=None))))
def test_a_dead_letter_s_body_is_what_was_delivered_and_what_sqs_accepts(event: dict[str, str]) -> None:
    body = message_body(event)

    assert json.loads(body) == event
    assert not any(0xD800 <= ord(one) <= 0xDFFF or ord(one) in (0xFFFE, 0xFFFF) or ord(one) < 0x20 for one in body)
    assert len(body.encode()) <= MAX_MESSAGE_BYTES


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        ("A | B | None", "A and B"),
        ("list[A | B]", "A and B"),
        ("dict[str, A | B]", "A and B"),
        ("Annotated[A | B, Field(union_mode='left_to_right')]", "A and B"),
        ("tuple[A, ...] | list[B]", "a tuple and a list of B"),
        ("dict[str, 'list[A | B]']", "A and B"),
        ("Annotated[A | B, Field(discriminator='kind')]", ""),
        ("A | None", ""),
        ("A | list[A] | str", ""),
        ("list[A] | int", ""),
    ],
)
def test_a_union_whose_members_repeat_it_is_refused(annotation: str, problem: str) -> None:
    """Each level of its JSON would double the time to read it."""
    kinds: dict[str, Any] = {"A": Literal["a"], "B": Literal["b"]}
    models: dict[str, Any] = {
        name: create_model(name, __base__=Value, kind=(kind, ...), inner=(annotation, None))  # type: ignore[arg-type]
        for name, kind in kinds.items()
    }
    refusal = pytest.raises(InvalidContract, match=f"a union of {problem}, which hold the union again")

    with refusal if problem else nullcontext():
        for model in models.values():
            model.model_rebuild(_types_namespace={**models, "Annotated": Annotated, "Field": Field})
            check_value(model)


class Sum(BaseModel):
    terms: "list[Sum | Product]" = Field(default=[])


class Product(BaseModel):
    factors: "list[Sum | Product]" = Field(default=[])


class Expression(BaseModel):
    first: Sum


def test_a_request_with_a_union_whose_members_repeat_it_is_refused() -> None:
    def calculate(expression: Expression) -> None: ...

    with pytest.raises(InvalidFunction, match="takes Expression, a part of which is a union of Sum and Product"):
        route("POST /results", service="desk")(calculate)


def test_an_event_of_others_with_a_union_whose_members_repeat_it_is_refused() -> None:
    with pytest.raises(InvalidContract, match="Calculated, a part of which is a union of Sum and Product"):

        class Calculated(ForeignEvent, source="calculator"):
            expression: Expression
