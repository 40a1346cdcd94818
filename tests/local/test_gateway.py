import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from contradance import Reply, route
from contradance.local.laptop import Laptop
from tests.local.desk import ROUTES, Asked, Desk, opened, show_item, show_latest

NOTHING = {"route": "", "item": "", "q": ""}


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    with opened(tmp_path, *ROUTES) as running:
        yield running


def test_a_word_in_a_path_goes_before_a_placeholder(laptop: Laptop) -> None:
    answers = [json.loads(laptop.request("GET", f"/items/{item}").body) for item in ("latest", "lates", "latest2")]

    assert answers == [
        NOTHING | {"route": "latest"},
        NOTHING | {"route": "item", "item": "lates"},
        NOTHING | {"route": "item", "item": "latest2"},
    ]


@pytest.mark.parametrize(
    ("path", "item"),
    [
        ("caf%C3%A9%20x", "café x"),
        ("a%2Fb", "a/b"),
        ("a+b", "a+b"),
        ("100%25", "100%"),
        ("%7Bitem%7D", "{item}"),
    ],
)
def test_a_placeholder_takes_one_segment_decoded(laptop: Laptop, path: str, item: str) -> None:
    answer = laptop.request("GET", f"/items/{path}")

    assert (answer.status, json.loads(answer.body)["item"]) == (200, item)


@pytest.mark.parametrize(
    ("query", "q"),
    [
        ("", "nothing"),
        ("?q=a%26b%20c+d", "a&b c d"),
        ("?q=", ""),
        ("?q", ""),
        ("?q=1&q=2", "1,2"),
        ("?other=1", "nothing"),
        ("?q=a?b", "a?b"),
    ],
)
def test_a_query_is_decoded_a_blank_one_is_blank_and_a_repeated_one_is_joined(
    laptop: Laptop, query: str, q: str
) -> None:
    answer = laptop.request("GET", f"/items{query}")

    assert (answer.status, json.loads(answer.body)["q"]) == (200, q)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("GET", "/items/"),
        ("GET", "/items/a/b"),
        ("GET", "/ITEMS/a"),
        ("GET", "items/a"),
        ("GET", "//items/a"),
        ("GET", "//["),
        ("DELETE", "/items/a"),
        ("POST", "/items"),
        ("POST", "/items/latest/"),
        ("get", "/items/a"),
    ],
)
def test_what_no_route_serves_is_not_found_as_api_gateway_says_it(laptop: Laptop, method: str, target: str) -> None:
    answer = laptop.request(method, target)

    assert (answer.status, json.loads(answer.body)) == (404, {"message": "Not Found"})
    assert answer.headers == {"content-type": "application/json"}


def test_a_method_chooses_among_the_routes_of_one_path(laptop: Laptop) -> None:
    answer = laptop.request("POST", "/items/latest")

    assert (answer.status, json.loads(answer.body)) == (201, NOTHING | {"route": "add", "item": "latest"})


def test_the_function_of_a_request_is_that_of_its_route(laptop: Laptop) -> None:
    found = [laptop.gateway.function_of("GET", path) for path in ("/items/latest", "/items/late", "/none")]

    assert found == [show_latest, show_item, None]


def test_a_key_that_is_repeated_with_another_query_is_refused(laptop: Laptop) -> None:
    key = {"Idempotency-Key": "k"}
    first = laptop.request("POST", "/items/a?x=1%262", headers=key)
    again = laptop.request("POST", "/items/a?x=1%262", headers=key)
    other = laptop.request("POST", "/items/a?x=1&2", headers=key)

    assert (first.status, again.status, other.status) == (201, 201, 422)
    assert first.body == again.body


class Wanted(BaseModel):
    item: str


class Receipt(BaseModel):
    item: str
    number: UUID


@route("POST /wanted", status=201, service="desk")
def want(wanted: Wanted) -> Reply[Receipt, Asked]:
    return Reply(Receipt(item=wanted.item, number=uuid4()), publishes=Asked(item=wanted.item))


def test_a_key_is_remembered_after_a_restart(tmp_path: Path) -> None:
    answers, events = [], []
    for item in ("pen", "pen", "ink"):
        with opened(tmp_path, want, Desk().clerk()) as laptop:
            body, key = json.dumps({"item": item}), {"Idempotency-Key": "k", "Content-Type": "application/json"}
            answers.append(laptop.request("POST", "/wanted", body, key))
            events += laptop.database.read("SELECT count(DISTINCT event_id), count(*) FROM event")

    first, again, other = answers
    assert (first.status, again.status, other.status, events) == (201, 201, 422, [(1, 1)] * 3)
    assert first.body == again.body
    assert "Was used for another request" in str(other.body)
