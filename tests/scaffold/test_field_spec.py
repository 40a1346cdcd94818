import pytest

from contradance.errors import CannotCreate
from contradance.scaffold.field_spec import FIELD_TYPES, choose_subject, parse_fields


def test_a_field_is_written_with_its_limits_its_meaning_and_an_example() -> None:
    (field,) = parse_fields(["email:str:pii=ada@example.com"])

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
    assert parse_fields([text])[0].type.example == example


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pages", "is not a field"),
        ("pages:", "is not a field"),
        ("pages:int:pi", "is not a field"),
        ("Pages:int", "cannot name a field"),
        ("pages:number", "has the unknown type 'number'"),
        ("pages:int=many", "has an example that does not fit its type"),
        ("rate:float=nan", "has an example that does not fit its type"),
        ("rate:float=-inf", "has an example that does not fit its type"),
        ("title:str=", "has an example that does not fit its type"),
        (f"title:str={'a' * 201}", "has an example that does not fit its type"),
        ("total:Money=5", "has its own"),
    ],
)
def test_what_is_no_field_is_refused_with_how_to_write_it(text: str, message: str) -> None:
    with pytest.raises(CannotCreate, match=message):
        parse_fields([text], [("library.values", "Money")])


def test_a_field_is_asked_for_once() -> None:
    with pytest.raises(CannotCreate, match="twice"):
        parse_fields(["a:int", "a:str"])


def test_a_value_of_the_projects_own_is_a_type() -> None:
    (field,) = parse_fields(["total:Money"], [("library.values", "Money")])

    assert field.line == '    total: Money = Field(description="The total.")'
    assert ("library.values", "Money") in field.imports


def test_the_subject_is_the_first_id_unless_another_is_named() -> None:
    found = parse_fields(["reader:str:pii", "title:str", "loan_id:uuid", "book_id:uuid"])

    assert choose_subject(found, None).name == "loan_id"
    assert choose_subject(found, "title").name == "title"


@pytest.mark.parametrize("asked", [None, "reader", "due", "nothing"])
def test_a_subject_that_is_personal_or_no_id_is_refused(asked: str | None) -> None:
    with pytest.raises(CannotCreate, match="be the event's subject"):
        choose_subject(parse_fields(["reader:str:pii", "due:date"]), asked)


def test_every_type_has_an_example_of_its_own() -> None:
    assert all(kind.example for kind in FIELD_TYPES.values())


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        (["day:date", "title:str", "loan:uuid"], "loan"),
        (["rides:int", "title:str"], "title"),
        (["paid:int", "void:str", "loan_id:int"], "loan_id"),
        (["count:int", "id:int"], "id"),
    ],
    ids=["a uuid before a text", "a text before a count", "names that only end like an id", "an id of any type"],
)
def test_the_subject_is_what_looks_most_like_an_id(fields: list[str], subject: str) -> None:
    assert choose_subject(parse_fields(fields), None).name == subject


def test_a_count_is_not_taken_for_the_subject() -> None:
    with pytest.raises(CannotCreate) as refused:
        choose_subject(parse_fields(["day:date", "rides:int"]), None)

    assert str(refused.value).endswith("Add --subject rides, or an id like --field loan_id:uuid.")
    assert choose_subject(parse_fields(["day:date", "rides:int"]), "rides").name == "rides"
