"""The laptop's JSON API: who may use it, and what it refuses."""

import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from contradance.local.laptop import Laptop
from contradance.local.web.server import Server
from tests.local.desk import Desk, always_fails, ask, asked, dead_letters, opened

API = "/_contradance/api"
LISTEN = "clerk.listen"


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    with opened(tmp_path, Desk().clerk(does=always_fails)) as found:
        ask(found, "a", "b")
        found.drain()
        yield found


@pytest.fixture
def url(laptop: Laptop) -> Iterator[str]:
    with Server(laptop, 0).serving() as found:
        yield found


def send(
    url: str, method: str, operation: str, body: object = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    given = {"content-type": "application/json", **(headers or {})}
    connection.request(method, f"{API}/{operation}", json.dumps(body), given)
    answer = connection.getresponse()
    found = (answer.status, json.loads(answer.read()))
    connection.close()
    return found


def letters(laptop: Laptop, **changes: object) -> dict[str, object]:
    """Return a request about both dead letters."""
    rows = laptop.database.read("SELECT id FROM dead_letter ORDER BY id")
    return {
        "state": str(laptop.state.resolve()),
        "function": LISTEN,
        "messages": [identifier for (identifier,) in rows],
        **changes,
    }


def test_dead_letters_are_redriven_by_their_ids(url: str, laptop: Laptop) -> None:
    request = letters(laptop, messages=["none", *letters(laptop)["messages"][:1]])  # type: ignore[index]
    status, answer = send(url, "POST", "redrive", request)

    assert (status, answer) == (200, {"messages": request["messages"][1:]})  # type: ignore[index]
    assert (len(dead_letters(laptop)), laptop.deliveries.count()[0]) == (1, 1)


def test_dead_letters_are_deleted_by_their_ids(url: str, laptop: Laptop) -> None:
    status, answer = send(url, "POST", "delete", letters(laptop))

    assert (status, sorted(answer["messages"])) == (200, letters(laptop, messages=answer["messages"])["messages"])
    assert (dead_letters(laptop), laptop.deliveries.count()[0]) == ([], 0)


def test_a_dead_letter_without_an_event_stays(url: str, laptop: Laptop) -> None:
    laptop.dead_letters.send(LISTEN, "not an event", {})

    _, answer = send(url, "POST", "redrive", letters(laptop))

    assert len(answer["messages"]) == 2
    assert [letter.body for letter in dead_letters(laptop)] == ["not an event"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://127.0.0.1:8700"},
        {"origin": "null"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"host": "evil.example"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
@pytest.mark.parametrize("operation", ["redrive", "delete", "replay", "events"])
def test_no_page_of_a_browser_can_use_it(url: str, laptop: Laptop, operation: str, headers: dict[str, str]) -> None:
    status, _ = send(url, "POST", operation, letters(laptop), headers)

    assert status in (403, 415)
    assert len(dead_letters(laptop)) == 2


@pytest.mark.parametrize(
    ("operation", "changes", "refusal"),
    [
        ("redrive", {"state": "/elsewhere"}, (409, "it runs on the state in ")),
        ("delete", {"state": "/elsewhere"}, (409, "it runs on the state in ")),
        ("redrive", {"function": "clerk.none"}, (409, "the laptop runs no function clerk.none that consumes events.")),
        ("delete", {"messages": "x"}, (400, "The body is not a request of delete.")),
        ("replay", {}, (400, "The body is not a request of replay.")),
        ("none", {}, (404, "Not Found")),
        ("system", {}, (404, "Not Found")),
    ],
)
def test_what_it_cannot_do_is_refused(
    url: str, laptop: Laptop, operation: str, changes: dict[str, object], refusal: tuple[int, str]
) -> None:
    status, answer = send(url, "POST", operation, letters(laptop, **changes))

    assert (status, answer["message"][: len(refusal[1])]) == refusal
    assert len(dead_letters(laptop)) == 2


def test_an_event_for_another_bus_is_refused(url: str, laptop: Laptop) -> None:
    status, answer = send(url, "POST", "events", {"entries": [asked("c"), asked("d", EventBusName="other")]})

    assert (status, answer["message"]) == (409, "There is no bus 'other' here; this laptop runs 'shop'.")
    assert laptop.deliveries.count()[0] == 0


def test_it_describes_what_the_laptop_runs(url: str, laptop: Laptop) -> None:
    status, answer = send(url, "GET", "system")

    assert (status, answer["state"]) == (200, str(laptop.state.resolve()))
    assert answer["patterns"].keys() == answer["deployed"]["functions"].keys() == {LISTEN}
