import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, Field, PlainSerializer, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from contradance.envelope import seal_initial
from contradance.errors import HandlerExited
from contradance.runtime.error_description import LONGEST_TRACEBACK, author_traceback, describe_error, exception_text
from contradance.runtime.frames import format_frames, stack_trace
from tests.runtime.desk import TicketOpened, opened

NAME = "Jane Doe"


def caught(call: Callable[[], object]) -> Exception:
    """Return what `call` raises."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("it raised nothing")


def refuse(value: str) -> str:
    """Raise what an author might."""
    raise ValueError(f"{value} is not welcome")


def refuse_as_pydantic(value: str) -> str:
    """Raise an error that has the type of one of Pydantic's own."""
    raise PydanticCustomError("string_type", "{value} is not welcome", {"value": value})


class Card(BaseModel):
    kind: Literal["card"]
    number: int


class Cash(BaseModel):
    kind: Literal["cash"]


class Closed(BaseModel, extra="forbid"): ...


class Form(BaseModel):
    name: Annotated[str, Field(max_length=3)] = ""
    age: int = 0
    kind: Literal["a", "b"] = "a"
    guests: dict[str, int] = Field(default_factory=dict)
    checked: Annotated[str, AfterValidator(refuse)] = "never validated"
    named: Annotated[str, AfterValidator(refuse_as_pydantic)] = "never validated"
    by_name: dict[str, Closed] = Field(default_factory=dict)
    lines: list["Form"] = Field(default_factory=list)
    payment: Annotated[Card | Cash, Field(discriminator="kind")] | None = None


class TestValidationErrors:
    @pytest.mark.parametrize(
        ("given", "path"),
        [
            (NAME, "ValidationError: Form: Input should be a valid dictionary"),
            ({"name": NAME}, "name: String should have at most 3 characters"),
            ({"age": NAME}, "age: Input should be a valid integer"),
            ({"kind": NAME}, "kind: Input should be 'a' or 'b'"),
            ({"guests": {NAME: "many"}}, "guests.*: Input should be a valid integer"),
            ({"checked": NAME}, "checked: Does not satisfy"),
            ({"named": NAME}, "named: Does not satisfy"),
            ({"by_name": {NAME: {"new": 1}}}, "by_name.*.new: Extra inputs are not permitted"),
            ({"lines": [{}, {"age": NAME}]}, "lines.1.age: Input should be a valid integer"),
            ({"payment": {"kind": NAME}}, "payment: "),
            ({"payment": {"kind": "card", "number": NAME}}, "number: Input should be a valid integer"),
        ],
        ids=[
            "whole",
            "length",
            "type",
            "choice",
            "key",
            "own check",
            "a type of Pydantic's",
            "unknown",
            "deep",
            "tag",
            "tagged",
        ],
    )
    def test_the_field_is_told_and_its_value_is_not(self, given: object, path: str) -> None:
        error = caught(lambda: Form.model_validate(given))

        text = describe_error(error)

        assert text.startswith("ValidationError: Form: ")
        assert path in text
        assert "Jane" in str(error)
        assert "Jane" not in text

    def test_a_contract_is_told_by_its_name(self) -> None:
        error = caught(lambda: opened(owner=NAME * 10))

        assert describe_error(error).startswith(
            f"ValidationError: {TicketOpened.__name__}: owner: String should have at most"
        )

    def test_what_cannot_be_written_as_json_is_told_without_its_value(self) -> None:
        broken = Card.model_construct(kind="card", number=NAME)

        error = caught(lambda: broken.model_dump_json(warnings="error"))

        assert "Jane" in str(error)
        assert describe_error(error).startswith(
            "PydanticSerializationError: A model holds what its fields do not allow"
        )

    def test_what_has_no_model_is_told_without_its_keys(self) -> None:
        error = caught(lambda: TypeAdapter(dict[str, int]).validate_python({NAME: NAME}))

        assert "Jane" not in describe_error(error)

    def test_a_long_one_is_cut(self) -> None:
        error = caught(lambda: TypeAdapter(list[int]).validate_python(["x"] * 1000))

        assert len(describe_error(error)) < 400

    def test_the_lines_that_led_to_it_are_told_without_what_they_held(self) -> None:
        error = caught(lambda: Form.model_validate({"name": NAME}))

        text = format_frames(error)

        assert "test_error_description.py" in text
        assert 'Form.model_validate({"name": NAME})' in text
        assert "Jane" not in text
        assert isinstance(error, ValidationError)


class TestWhere:
    def test_the_line_that_raised_is_named_by_the_last_parts_of_its_path(self) -> None:
        text = describe_error(caught(lambda: refuse("x")))

        assert text.startswith("ValueError: x is not welcome (tests/runtime/test_error_description.py:")
        assert text.endswith(")")

    @pytest.mark.parametrize(
        ("filename", "shown"),
        [
            ("/var/task/functions/repairs/plan_repair.py", "functions/repairs/plan_repair.py"),
            ("/tmp/plan_repair.py", "tmp/plan_repair.py"),  # noqa: S108 - the name of a place, not a file
            ("/plan_repair.py", "plan_repair.py"),
            ("C:\\work\\functions\\repairs\\plan_repair.py", "functions/repairs/plan_repair.py"),
            ("<string>", "<string>"),
        ],
    )
    def test_no_path_is_absolute(self, filename: str, shown: str) -> None:
        code = compile("raise ValueError('no')", filename, "exec")

        text = describe_error(caught(lambda: exec(code, {})))  # noqa: S102 - the only way to be in another file

        assert text == f"ValueError: no ({shown}:1)"

    def test_this_machine_s_folders_are_not_told(self) -> None:
        text = describe_error(caught(lambda: refuse("x")))

        assert str(Path(__file__).parent.parent) not in text

    def test_what_was_never_raised_has_no_line(self) -> None:
        assert describe_error(ValueError("no")) == "ValueError: no"

    def test_a_long_message_is_cut_and_its_line_is_not(self) -> None:
        text = describe_error(caught(lambda: refuse("x" * 10_000)))

        assert len(text) < 400
        assert "tests/runtime/test_error_description.py:" in text


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        (f"{Path.cwd()}/functions/repairs/kitchen/plan.py", "functions/repairs/kitchen/plan.py"),
        (f"{Path.cwd()}/.venv/lib/site-packages/kitchen/plan/repair.py", "kitchen/plan/repair.py"),
        ("/var/task/functions/repairs/kitchen/plan.py", "repairs/kitchen/plan.py"),
    ],
    ids=["below the current folder", "an installed package", "elsewhere"],
)
def test_a_frame_is_shown_from_the_current_folder_or_by_the_end_of_its_path(filename: str, shown: str) -> None:
    code = compile("raise ValueError('no')", filename, "exec")

    frames = stack_trace(caught(lambda: exec(code, {})))  # noqa: S102 - the only way to be in another file

    assert frames[-1] == f'  File "{shown}", line 1, in <module>\n'


def fall(levels: int) -> None:
    if levels:
        fall(levels - 1)
    raise ValueError("deep")


@pytest.mark.parametrize(
    ("frames", "left_out"), [(16, []), (17, ["  ... 1 frame ...\n"]), (30, ["  ... 14 frames ...\n"])]
)
def test_of_many_frames_the_first_and_the_last_eight_are_shown(frames: int, left_out: list[str]) -> None:
    error = caught(lambda: fall(frames - 3))  # below `caught` and the lambda

    shown = stack_trace(error)

    assert shown[8:-8] == left_out
    assert len(shown) == 16 + len(left_out)
    assert "in caught" in shown[0]
    assert 'raise ValueError("deep")' in shown[-1]
    assert "".join(shown) in author_traceback(error)


def test_an_error_without_a_frame_of_the_author_has_no_place() -> None:
    error = caught(lambda: seal_initial(None, publisher="", occurred_at=None))  # type: ignore[arg-type]
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next

    text = describe_error(error.with_traceback(last))

    assert text == f"{type(error).__name__}: {error}"


def test_a_handler_that_exits_is_described_by_its_message_alone() -> None:
    assert describe_error(HandlerExited("SystemExit: 3")) == "HandlerExited: SystemExit: 3"


def test_the_middle_of_a_long_traceback_is_left_out() -> None:
    error = ValueError("first")
    for _ in range(10):
        cause, error = error, ValueError("x" * 2_000)
        error.__cause__ = cause

    text = author_traceback(error)

    assert LONGEST_TRACEBACK < len(text) < LONGEST_TRACEBACK + 60
    assert " characters are left out ..." in text
    assert text.startswith("ValueError: first")


@pytest.mark.parametrize(("members", "shown"), [(99, 99), (100, 99), (300, 99)])
def test_of_a_large_group_some_members_are_left_out(members: int, shown: int) -> None:
    text = exception_text(ExceptionGroup("many", [ValueError(str(number)) for number in range(members)]))

    assert text.count(" of the group:") == shown
    assert ("Further exceptions of the group are left out." in text) is (members > shown)


class Shelf(BaseModel):
    place: int


@pytest.mark.parametrize(
    "failing",
    [
        pytest.param(lambda: Shelf(place=1).room, id="an installed package"),  # type: ignore[attr-defined]
        pytest.param(lambda: json.loads("{"), id="Python's library"),
        pytest.param(lambda: seal_initial(None, publisher="", occurred_at=None), id="contradance"),  # type: ignore[arg-type]
    ],
)
def test_the_place_is_the_authors_last_line_not_a_librarys(failing: Callable[[], object]) -> None:
    assert "(tests/runtime/test_error_description.py:" in describe_error(caught(failing))


def broken(value: int) -> int:
    raise LookupError("no such shelf")


class Rack(BaseModel):
    number: Annotated[int, PlainSerializer(broken)] = 1


def noted() -> None:
    error = ValueError("a bad shelf")
    error.add_note("it is the shelf of room 7")
    raise error


def chained() -> None:
    try:
        noted()
    except ValueError as error:
        raise RuntimeError("no book") from error


def grouped() -> None:
    raise ExceptionGroup("several", [caught(noted), ValueError("another")])


def silent() -> None:
    raise ValueError


AUTHORS: dict[str, tuple[Callable[[], object], list[str]]] = {
    "plain": (lambda: dict[str, int]()["shelf"], ["KeyError: 'shelf'"]),
    "of the standard library": (lambda: json.loads("{"), ["JSONDecodeError: Expecting property name"]),
    "of Pydantic": (lambda: Form(name=NAME), ["ValidationError: Form: name: String should have at most 3 characters"]),
    "in a serializer": (lambda: Rack().model_dump(), ["Error calling function `broken`: LookupError: no such shelf"]),
    "in a serializer of JSON": (
        lambda: Rack().model_dump_json(),
        ["Error calling function `broken`: LookupError: no such shelf"],
    ),
    "with a note": (noted, ["ValueError: a bad shelf\nit is the shelf of room 7"]),
    "chained": (chained, ["a bad shelf\nit is the shelf of room 7", "RuntimeError: no book"]),
    "a group": (grouped, ["several (2 sub-exceptions)", "it is the shelf of room 7", "ValueError: another"]),
    "without a message": (silent, ["\nValueError"]),
    "a type without JSON": (lambda: TypeAdapter(object).dump_json(object()), ["Unable to serialize unknown type"]),
}


@pytest.mark.parametrize(("call", "reasons"), AUTHORS.values(), ids=AUTHORS)
def test_a_traceback_ends_at_the_authors_line_with_the_reason(call: Callable[[], object], reasons: list[str]) -> None:
    error = caught(call)

    text = author_traceback(error)
    frames = [line for line in text.splitlines() if line.startswith('  File "')]

    assert "tests/runtime/test_error_description.py" in frames[-1]
    assert all(reason in text for reason in reasons)
    assert describe_error(error).rpartition(" (")[2].startswith("tests/runtime/test_error_description.py:")
    assert "tests/runtime/test_error_description.py" in stack_trace(error)[0]
    assert NAME not in text


def test_a_note_that_quotes_pydantic_shows_no_value() -> None:
    cause = caught(lambda: Form(name=NAME))
    cause.add_note(f"refused: {cause}")

    text = author_traceback(caught_from(cause))

    assert NAME not in text
    assert text.count("refused: ") == 2


def caught_from(cause: Exception) -> Exception:
    def fail() -> None:
        error = RuntimeError("no form")
        error.add_note(f"refused: {cause}")
        raise error from cause

    return caught(fail)


@pytest.mark.parametrize("notes", [5, [5, None], "text", ["x" * 10**6] * 100])
def test_odd_notes_are_left_out_or_cut(notes: object) -> None:
    error = caught(silent)
    error.__notes__ = notes  # type: ignore[assignment]  # an author may assign anything

    assert len(author_traceback(error)) < 10_000
