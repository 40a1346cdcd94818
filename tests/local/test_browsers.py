"""Pages of other sites, also of this machine: what they may send, and CORS as API Gateway has it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contradance.local.console import application
from contradance.local.console.feed import Feed
from contradance.local.console.guard import HEADERS
from contradance.local.laptop import Laptop
from contradance.local.web.browsers import Browsers
from contradance.local.web.server import Server
from tests.local.desk import ROUTES, Desk, opened

FRONT_END = "http://localhost:3000"
FORM = {"content-type": "application/x-www-form-urlencoded"}
TEXT = {"content-type": "text/plain;charset=UTF-8"}
"""What a page may send to another site without a preflight."""
PAGES: list[dict[str, str]] = [
    {"origin": FRONT_END},
    {"origin": "http://127.0.0.1:3000"},
    {"origin": "http://[::1]:3000"},
    {"origin": "https://example.com"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://localhost:3000\x1b[2J"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": FRONT_END, "sec-fetch-site": "same-origin"},
]
"""How browsers mark the requests of pages of other origins; the last one would be a browser with a fault."""


class Answer:
    def __init__(self, url: str, method: str, target: str, headers: Mapping[str, str], body: str | None = None) -> None:
        address = urlsplit(url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=20)
        try:
            connection.request(method, target, body, dict(headers))
            response = connection.getresponse()
            self.status, self.headers = response.status, {name.lower(): value for name, value in response.getheaders()}
            self.body = response.read().decode()
        finally:
            connection.close()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def laptop(tmp_path: Path, desk: Desk) -> Iterator[Laptop]:
    with opened(tmp_path, desk.clerk(), *ROUTES) as running:
        yield running


@contextmanager
def served(laptop: Laptop, *origins: str) -> Iterator[str]:
    with Server(laptop, 0, feed=Feed(), origins=origins).serving() as url:
        yield url


@pytest.fixture
def url(laptop: Laptop) -> Iterator[str]:
    with served(laptop) as found:
        yield found


@pytest.mark.parametrize(
    "target",
    [
        "/items/a",
        "/2015-03-31/functions/clerk-listen/invocations",
        "/_contradance/api/events",
        "/_contradance/publish",
        "/none",
    ],
)
def test_the_form_of_a_page_elsewhere_changes_nothing(url: str, laptop: Laptop, desk: Desk, target: str) -> None:
    for headers in [{**page, **content} for page in PAGES for content in (FORM, TEXT)]:
        answer = Answer(url, "POST", target, headers, "{}")
        laptop.drain()

        assert answer.status == 403, headers
        assert "access-control-allow-origin" not in answer.headers, headers
        assert (desk.calls, laptop.deliveries.count()[0]) == ([], 0), headers


@pytest.mark.parametrize("page", PAGES, ids=str)
@pytest.mark.parametrize("target", ["/2015-03-31/functions", "/_contradance/api/system"])
def test_a_page_reads_nothing_that_is_for_programs(url: str, target: str, page: dict[str, str]) -> None:
    answer = Answer(url, "GET", target, page)

    assert answer.status == 403
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_a_form_is_parsed_only_for_the_consoles_own_pages_and_stops_no_other_request(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def parse(*_: object, **__: object) -> list[tuple[str, str]]:
        threads.append(threading.current_thread().name)
        return []

    monkeypatch.setattr(application, "parse_qsl", parse)
    form = "a&" * 500_000

    elsewhere = [Answer(url, "POST", "/_contradance/publish", {**page, **FORM}, form).status for page in PAGES]
    parsed = [*threads]
    own = Answer(url, "POST", "/_contradance/publish", {"origin": url, **FORM}, form).status

    assert ({*elsewhere}, parsed, own) == ({403}, [], 403)
    assert threads != ["contradance-http"]
    assert len(threads) == 1


@pytest.mark.parametrize("page", PAGES, ids=str)
@pytest.mark.parametrize("target", ["/_contradance/stream", "/_contradance/live", "/_contradance/static/console.js"])
def test_a_page_elsewhere_loads_nothing_of_the_console(url: str, target: str, page: dict[str, str]) -> None:
    answer = Answer(url, "GET", target, {"sec-fetch-mode": "no-cors", **page})

    assert answer.status == 403
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "referer": "https://example.com/"},
    ],
    ids=str,
)
def test_a_link_leads_to_the_console_and_its_own_pages_load_it(url: str, headers: dict[str, str]) -> None:
    assert Answer(url, "GET", "/_contradance/live", headers).status == 200
    assert Answer(url, "GET", "/_contradance/static/console.js", {"origin": url, **headers}).status == 200


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_aws_targets_are_refused_to_pages(url: str, desk: Desk, page: dict[str, str]) -> None:
    answer = Answer(url, "POST", "/", {"x-amz-target": "AmazonSQS.ListQueues", **page}, "{}")

    assert answer.status == 403


def test_a_page_may_read_a_route_as_far_as_browsers_let_it(url: str) -> None:
    answer = Answer(url, "GET", "/items/a", {"origin": FRONT_END})

    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "none"}, {"sec-fetch-site": "same-origin"}], ids=str)
def test_programs_and_own_pages_may_use_routes(url: str, headers: dict[str, str]) -> None:
    assert Answer(url, "POST", "/items/a", headers, "{}").status == 201
    assert Answer(url, "POST", "/items/a", {"origin": url, **headers}, "{}").status == 201


def test_a_preflight_is_answered_for_an_allowed_origin(laptop: Laptop) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}

    with served(laptop, FRONT_END) as url:
        answer = Answer(url, "OPTIONS", "/items/a", {"origin": FRONT_END, **asked})
        other = Answer(url, "OPTIONS", "/items/a", {"origin": "http://localhost:3001", **asked})

    assert answer.status == 204
    assert "content-length" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == FRONT_END
    assert "POST" in answer.headers["access-control-allow-methods"].split(",")
    assert {"authorization", "content-type", "idempotency-key", "traceparent"} <= {
        *answer.headers["access-control-allow-headers"].split(",")
    }
    assert answer.headers["access-control-max-age"] == "3600"
    assert other.status == 403
    assert "http://localhost:3001" in other.body
    assert "--cors-origin" in other.body


@pytest.mark.parametrize(
    ("method", "marks"),
    [("OPTIONS", {}), ("POST", {"access-control-request-method": "POST"}), ("GET", {})],
    ids=["options", "mark alone", "get"],
)
def test_only_options_with_its_mark_is_a_preflight(method: str, marks: dict[str, str]) -> None:
    assert Browsers([FRONT_END], ["GET"]).preflight(method, {"origin": FRONT_END, **marks}) is None


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("POST", "/items/a", 201),
        ("GET", "/items/a", 200),
        ("GET", "/none", 404),
        ("POST", "/items/" + "a" * 11_000, 431),
    ],
    ids=["post", "get", "not found", "too large"],
)
def test_a_page_of_an_allowed_origin_may_use_routes_and_read_every_answer(
    laptop: Laptop, method: str, target: str, status: int
) -> None:
    with served(laptop, FRONT_END) as url:
        answer = Answer(url, method, target, {"origin": FRONT_END, **TEXT}, "{}" if method == "POST" else None)

    assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, FRONT_END)
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "target", ["/2015-03-31/functions/clerk-listen/invocations", "/_contradance/api/events", "/_contradance/publish"]
)
@pytest.mark.parametrize("origins", [(FRONT_END,), ("*",)], ids=["one", "every"])
def test_an_allowed_origin_may_use_nothing_but_routes(laptop: Laptop, target: str, origins: tuple[str, ...]) -> None:
    with served(laptop, *origins) as url:
        answers = [
            Answer(url, method, target, {"origin": FRONT_END, "access-control-request-method": "POST"})
            for method in ("POST", "OPTIONS")
        ]

    assert all(answer.status >= 400 for answer in answers)
    assert all("access-control-allow-origin" not in answer.headers for answer in answers)


@pytest.mark.parametrize(
    ("allowed", "origin", "answer"),
    [
        ("*", "https://a.example", "*"),
        ("*", "null", "*"),
        ("https://*", "https://a.example", "https://a.example"),
        ("https://*", "http://a.example", None),
        ("http://*", "http://localhost:3000", "http://localhost:3000"),
        ("http://Localhost:3000/", "http://localhost:3000", "http://localhost:3000"),
        ("http://localhost:3000", "http://localhost:3001", None),
        ("http://localhost:3000", "http://localhost:30000", None),
        ("http://localhost:3000", "null", None),
        ("http://localhost:3000", "", None),
    ],
)
def test_origins_are_compared_as_api_gateway_does(allowed: str, origin: str, answer: str | None) -> None:
    found = Browsers([allowed], ["GET"]).cors_headers({"origin": origin})

    assert found.get("access-control-allow-origin") == answer


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/_contradance/live", 200),
        ("GET", "/_contradance", 303),
        ("GET", "/_contradance/none", 404),
        ("GET", "/_contradance/static/none", 404),
        ("GET", "/_contradance/static/console.css", 200),
        ("HEAD", "/_contradance/stream", 405),
        ("PUT", "/_contradance/live", 404),
        ("POST", "/_contradance/publish", 403),
        ("GET", f"/_contradance/contracts/a/b/{'9' * 5_000}", 404),
        ("GET", "/_contradance/contracts/shop.desk/Asked/1", 200),
        ("GET", "/_contradance/contracts/shop.desk/Asked/01", 404),
        ("GET", "/_contradance/contracts/shop.desk/Asked/-1", 404),
        ("GET", "/_contradance/contracts/shop.desk/Asked/%D9%A1", 404),
        ("GET", f"/_contradance/flows?before={'9' * 5_000}", 200),
        ("GET", "/_contradance/live" + "a" * 11_000, 431),
        ("GET", "/_contradance/live/", 307),
        ("GET", "/%5fcontradance/live", 200),
        ("GET", "/_contradance/../_contradance/live", 404),
        ("GET", "/_contradance/static/..%2fpages.py", 404),
    ],
    ids=range(19),
)
def test_every_answer_of_the_console_has_its_headers(url: str, method: str, target: str, status: int) -> None:
    answer = Answer(url, method, target, {})

    assert answer.status == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_another_name_for_this_machine_is_refused_with_the_headers_of_the_console(url: str) -> None:
    answer = Answer(url, "GET", "/_contradance/live", {"host": "rebound.example"})

    assert answer.status == 403
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
