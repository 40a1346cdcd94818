import pytest

from contradance.errors import CannotCreate
from contradance.scaffold.field import KINDS, fields, subject_of


def test_a_field_is_written_with_its_limits_its_meaning_and_an_example() -> None:
    (field,) = fields(["email:str:pii=ada@example.com"])

    assert field.line == (
        "    email: Annotated[str, PII] = Field(min_length=1, max_length=200, "
        'description="The email.", examples=["ada@example.com"])'
    )
    assert ("contradance", "PII") in field.imports


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("pages:int=320", "320"),
        ("late:bool=yes", "True"),
        ("fee:decimal=1.5", '"1.5"'),
        ("due:date=2026-02-01", '"2026-02-01"'),
    ],
)
def test_an_example_is_written_as_its_type_writes_it(text: str, example: str) -> None:
    assert fields([text])[0].kind.example == example


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pages", "is no field"),
        ("pages:", "is no field"),
        ("pages:int:pi", "is no field"),
        ("Pages:int", "cannot name a field"),
        ("pages:number", "has the type 'number'"),
        ("pages:int=many", "has an example that is not of its type"),
        ("total:Money=5", "has its own"),
    ],
)
def test_what_is_no_field_is_refused_with_how_to_write_it(text: str, told: str) -> None:
    with pytest.raises(CannotCreate, match=told):
        fields([text], [("library.values", "Money")])


def test_a_field_is_asked_for_once() -> None:
    with pytest.raises(CannotCreate, match="twice"):
        fields(["a:int", "a:str"])


def test_a_value_of_the_projects_own_is_a_type() -> None:
    (field,) = fields(["total:Money"], [("library.values", "Money")])

    assert field.line == '    total: Money = Field(description="The total.")'
    assert ("library.values", "Money") in field.imports


def test_the_subject_is_the_first_id_unless_another_is_named() -> None:
    found = fields(["reader:str:pii", "title:str", "loan_id:uuid", "book_id:uuid"])

    assert subject_of(found, None).name == "loan_id"
    assert subject_of(found, "title").name == "title"


@pytest.mark.parametrize("asked", [None, "reader", "due", "nothing"])
def test_a_subject_that_is_personal_or_no_id_is_refused(asked: str | None) -> None:
    with pytest.raises(CannotCreate, match="be the event's subject"):
        subject_of(fields(["reader:str:pii", "due:date"]), asked)


def test_every_type_has_an_example_of_its_own() -> None:
    assert all(kind.example for kind in KINDS.values())
