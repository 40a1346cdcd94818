import pytest
from pydantic import Field

from contradance import Contract, Registry, Value
from contradance.catalog.sample import sample
from contradance.errors import InvalidContract
from food_contracts.registry import registry


class Part(Value):
    name: str = Field(examples=["bolt"])


class Whole(Contract, source="shop.a", subject="item"):
    item: str = Field(examples=["first", "second"])
    parts: list[Part]
    pair: tuple[Part, ...]
    maybe: Part | None
    either: int | Part
    count: int = 3
    tags: list[str] = Field(default_factory=list)
    given: int = Field(default=1, examples=[7])


class Comment(Value):
    text: str = Field(examples=["a"])
    replies: list["Comment"]
    others: tuple["Comment", ...]
    about: "Comment | None"
    thread: "Thread | None"


class Thread(Value):
    comments: list[Comment]


class Commented(Contract, source="shop.a", subject="item"):
    item: str = Field(examples=["a"])
    first: Comment
    threads: list[Thread]


class Bare(Contract, source="shop.a", subject="item"):
    item: str


class Hollow(Value):
    inside: int


class Nested(Contract, source="shop.a", subject="item"):
    item: str = Field(examples=["a"])
    hollow: list[Hollow]


class Wrong(Contract, source="shop.a", subject="item"):
    item: str = Field(examples=["a"])
    count: int = Field(ge=1, examples=[0])


@pytest.mark.parametrize("contract", registry, ids=lambda contract: contract.__name__)
def test_there_is_a_valid_sample_of_every_contract_of_the_food_delivery(contract: type[Contract]) -> None:
    made = sample(contract)

    assert type(made) is contract
    assert contract.model_validate_json(made.model_dump_json()) == made


def test_a_sample_is_made_of_first_examples_defaults_and_the_samples_of_inner_models() -> None:
    assert sample(Whole).model_dump() == {
        "item": "first",
        "parts": [{"name": "bolt"}],
        "pair": ({"name": "bolt"},),
        "maybe": {"name": "bolt"},
        "either": {"name": "bolt"},
        "count": 3,
        "tags": [],
        "given": 7,
    }


@pytest.mark.parametrize(("contract", "field"), [(Bare, "Bare.item is str"), (Nested, "Hollow.inside is int")])
def test_a_field_without_an_example_is_named_with_the_way_out(contract: type[Contract], field: str) -> None:
    with pytest.raises(InvalidContract) as refusal:
        sample(contract)

    assert str(refusal.value) == (
        f"{field} and has no example, so a sample is not possible.\n  Give it one: Field(examples=[...])."
    )


def test_an_example_that_breaks_its_own_contract_is_named() -> None:
    with pytest.raises(InvalidContract) as refusal:
        sample(Wrong)

    assert str(refusal.value) == (
        "the examples of shop.a/Wrong v1 break it (contract in tests/catalog/test_sample.py)\n"
        "  data.count: Input should be greater than or equal to 1"
    )


def test_a_model_that_contains_itself_ends_with_an_empty_list_or_none() -> None:
    Registry("shop", [Commented])  # resolves the names of classes that are defined later
    comment: dict[str, object] = {"text": "a", "replies": [], "others": (), "about": None}

    assert sample(Commented).model_dump() == {
        "item": "a",
        "first": {**comment, "thread": {"comments": []}},
        "threads": [{"comments": [{**comment, "thread": None}]}],
    }
