"""The console over HTTP: who may ask for what, and what stays the application's."""

import html
import http.client
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from http.client import HTTPMessage
from pathlib import Path
from urllib.parse import unquote, urlencode, urlsplit

import pytest
from pydantic import BaseModel, Field

from contradance import Choreography, Contract, Registry, Retry, route, schedule, subscriber
from contradance.errors import LaptopError
from contradance.local.clock import RealClock, VirtualClock
from contradance.local.console import application
from contradance.local.console.feed import Feed
from contradance.local.console.guard import HEADERS
from contradance.local.console.history import FlowPage, History
from contradance.local.laptop import Laptop
from contradance.local.web.server import Server
from contradance.operate.dead_letter import LetterOutcome, QueueMessage, read_dead_letter
from tests.album import album
from tests.patience import LONG

PUBLISH = "/_contradance/publish"


class Lent(Contract, source="library.loans", subject="loan"):
    loan: str


class Page(BaseModel):
    said: str


@route("GET /", service="app")
def home() -> Page:
    return Page(said="home")


@route("GET /{a}/{b}", service="app")
def anything(a: str, b: str) -> Page:
    return Page(said=f"{a}/{b}")


class Weighed(Contract, source="library.loans", subject="loan"):
    loan: str
    weight: int = Field(alias="net weight (g)")


@subscriber(service="readers")
def remind(lent: Lent) -> None: ...


@schedule(
    "cron(0 9 * * ? *)",
    service="readers",
    timezone="Europe/Paris",
    start=datetime(2027, 1, 1, tzinfo=UTC),
    end=datetime(2027, 7, 1, tzinfo=timezone(timedelta(hours=2))),
)
def tidy() -> None: ...


@subscriber(service="readers")
def weigh(weighed: Weighed) -> None: ...


def library(*functions: object) -> Choreography:
    return Choreography("library", contracts=Registry("library", [Lent]), functions=[remind, *functions])  # type: ignore[list-item]


def served(folder: Path, choreography: Choreography) -> Iterator[str]:
    feed = Feed()
    with Laptop(
        choreography, folder, clock=RealClock(), variables={}, synchronous="OFF", when_journaled=feed.send
    ) as laptop:
        laptop.start()
        with Server(laptop, 0, feed=feed).serving() as url:
            yield url


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    yield from served(tmp_path, library())


@pytest.fixture
def with_a_home(tmp_path: Path) -> Iterator[str]:
    yield from served(tmp_path, library(home, anything))


def ask(
    url: str, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None
) -> tuple[int, HTTPMessage, str]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=LONG)
    connection.request(method, path, body.encode(), dict(headers or {}))
    answer = connection.getresponse()
    found = (answer.status, answer.headers, answer.read().decode())
    connection.close()
    return found


def token(url: str, contract: str) -> str:
    _, _, page = ask(url, "GET", f"{PUBLISH}?{urlencode({'contract': contract})}")
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found
    return found[1]


def form(url: str, contract: str = "library.loans/Lent v1", **changed: str) -> str:
    given = {"token": token(url, contract), "contract": contract, "loan": "1", "do": "publish"}
    return urlencode({**given, **changed})


def test_the_bare_address_is_the_consoles_where_the_application_has_nothing_there(url: str) -> None:
    status, headers, _ = ask(url, "GET", "/")

    assert (status, headers["location"]) == (303, "/_contradance/live")
    assert ask(url, "POST", "/")[0] == 404


def test_the_bare_address_is_the_applications_where_it_has_a_route_for_it(with_a_home: str) -> None:
    status, headers, body = ask(with_a_home, "GET", "/")

    assert (status, headers["content-type"], body) == (200, "application/json", '{"said":"home"}')


def test_a_route_of_placeholders_keeps_every_path_but_the_consoles_own(with_a_home: str) -> None:
    assert ask(with_a_home, "GET", "/loans/1")[2] == '{"said":"loans/1"}'
    assert ask(with_a_home, "GET", "/_contradance_too/live")[2] == '{"said":"_contradance_too/live"}'
    assert "<h1>Live</h1>" in ask(with_a_home, "GET", "/_contradance/live")[2]


@pytest.mark.parametrize(
    "path",
    [
        "/_contradance/live",
        "/_contradance/none",
        "/_contradance/static/console.js",
        "/_contradance/static/none",
        "/_contradance",
    ],
)
def test_every_answer_carries_the_guards_headers(url: str, path: str) -> None:
    _, headers, _ = ask(url, "GET", path)

    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in headers["content-security-policy"]


@pytest.mark.parametrize("page", ["live", "flows", "dead-letters", "replay", "contracts", "publish"])
def test_no_page_has_a_script_or_a_style_in_it(url: str, page: str) -> None:
    _, _, body = ask(url, "GET", f"/_contradance/{page}")

    assert re.findall(r"<script(?! src=\"/_contradance/static/(?:console|picture).js\" defer></script>)", body) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", body) == []
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//", body) == []


def test_a_form_of_this_console_is_taken(url: str) -> None:
    status, headers, _ = ask(url, "POST", PUBLISH, form(url), {"origin": url})

    assert status == 303
    assert headers["location"].startswith("/_contradance/flows/")


@pytest.mark.parametrize("origin", ["", "null", "http://localhost:1", "http://127.0.0.1:1", "https://127.0.0.1"])
def test_a_form_of_another_page_is_refused_even_with_the_token(url: str, origin: str) -> None:
    status, _, _ = ask(url, "POST", PUBLISH, form(url), {"origin": origin} if origin else {})

    assert status == 403


def test_a_form_without_the_token_or_with_another_is_refused(url: str) -> None:
    for wrong in ("", "x" * 43, "ü"):
        status, _, body = ask(url, "POST", PUBLISH, form(url, token=wrong), {"origin": url})

        assert status == 403
        assert "Load the page and try again" in body


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_another_name_of_this_machine_is_refused(url: str, host: str) -> None:
    assert ask(url, "GET", "/_contradance/live", headers={"host": host})[0] == 403
    assert ask(url, "GET", "/_contradance/stream", headers={"host": host})[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_contradance/none", 404),
        ("GET", "/_contradance/flows/none", 404),
        ("GET", "/_contradance/flows?before=x", 200),
        ("GET", "/_contradance/flows?before=99999999999999999999", 200),
        ("GET", "/_contradance/contracts/library.loans/Lent/7", 404),
        ("GET", "/_contradance/contracts/library.loans/Lent/99999999999999999999", 404),
        ("GET", "/_contradance/dead-letters/nobody", 409),
        ("GET", "/_contradance/replay/none", 404),
        ("GET", "/_contradance/live?service=none", 404),
        ("GET", "/_contradance/live?service=readers", 200),
        ("GET", "/_contradance/publish?contract=none", 200),
        ("DELETE", "/_contradance/live", 404),
        ("GET", "/_contradance/static/..%2fapplication.py", 404),
        ("GET", "/_contradance/static/__init__.py", 404),
    ],
)
def test_what_is_not_there_is_said_on_a_page(url: str, method: str, path: str, status: int) -> None:
    assert ask(url, method, path)[0] == status


def test_what_a_form_says_in_no_form_is_told_too(url: str) -> None:
    for body in (
        "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
        "do=add:no.such&contract=library.loans%2FLent+v1&token=",
    ):
        assert ask(url, "POST", PUBLISH, body, {"origin": url})[0] == 403
    assert ask(url, "POST", PUBLISH, form(url, do="add:no.such"), {"origin": url})[0] == 200
    assert ask(url, "POST", PUBLISH, form(url, do="remove:loan.0"), {"origin": url})[0] == 200
    unknown = form(url).replace("Lent", "none")
    assert ask(url, "POST", PUBLISH, unknown, {"origin": url})[0] == 404


def test_a_page_that_fails_is_told_in_the_terminal_and_not_in_the_browser(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: History, __: int | None = None) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(History, "latest", fail)

    status, headers, body = ask(url, "GET", "/_contradance/flows")

    assert (status, headers["cache-control"]) == (500, "no-store")
    assert "This page failed" in body
    assert "secret" not in body
    assert "the secret of the house" in caplog.text


def test_pages_that_hang_hold_up_no_other_and_are_answered(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    goes_on, began = threading.Event(), threading.Semaphore(0)

    def hang(_: History, __: int | None = None) -> FlowPage:
        began.release()
        goes_on.wait(LONG)
        return FlowPage([], None)

    monkeypatch.setattr(History, "latest", hang)
    monkeypatch.setattr(application, "LONGEST_SECONDS", LONG)
    waiting = [threading.Thread(target=ask, args=(url, "GET", "/_contradance/flows")) for _ in range(45)]
    for one in waiting:
        one.start()
    assert all(began.acquire(timeout=LONG) for _ in waiting)
    others = ask(url, "GET", "/_contradance/functions")[0]
    monkeypatch.setattr(application, "LONGEST_SECONDS", 0.01)
    status, headers, body = ask(url, "GET", "/_contradance/flows")
    goes_on.set()
    for one in waiting:
        one.join(LONG)

    assert (others, status, headers["cache-control"]) == (200, 503, "no-store")
    assert "This page takes more than" in body
    assert "a page of the console takes more than 0.01 s" in caplog.text


def test_the_stream_tells_of_a_delivery_and_ends_with_the_laptop(tmp_path: Path) -> None:
    serving = served(tmp_path, library())
    url = next(serving)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=LONG)
    connection.request("GET", "/_contradance/stream")
    stream = connection.getresponse()
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.readline() == b"retry: 2000\n"

    ask(url, "POST", PUBLISH, form(url), {"origin": url})

    stream.readline()
    assert b'"function": "readers.remind"' in stream.readline()
    with pytest.raises(StopIteration):
        next(serving)
    assert stream.read().strip() == b""
    connection.close()


@pytest.fixture
def page_url(tmp_path: Path) -> Iterator[str]:
    @subscriber(
        service="readers",
        delivery="queue",
        batch=4,
        on_replay="skip",
        retry=Retry(times=2, max_age=timedelta(hours=1)),
        timeout=timedelta(seconds=7),
        concurrency=2,
    )
    def file_away(lent: Lent) -> None: ...

    yield from served(tmp_path, library(file_away))


@pytest.fixture
def album_url(tmp_path: Path) -> Iterator[str]:
    yield from served(tmp_path, album)


@pytest.mark.parametrize("page", ["functions", "functions/app.count_loans"])
def test_a_schedule_is_shown_with_its_time_zone(page: str, tmp_path: Path) -> None:
    @schedule("cron(0 8 ? * 2#1 *)", service="app", timezone="Europe/Berlin")
    def count_loans() -> None: ...

    for url in served(tmp_path, library(count_loans)):
        _, _, shown = ask(url, "GET", f"/_contradance/{page}")

        assert "cron(0 8 ? * 2#1 *) Europe/Berlin" in shown


def test_a_function_is_shown_as_it_is_declared(page_url: str) -> None:
    _, _, shown = ask(page_url, "GET", "/_contradance/functions/readers.file_away")

    facts = {name: html.unescape(value) for name, value in re.findall(r"<dt>(.*?)</dt>\s*<dd[^>]*>(.*?)</dd>", shown)}
    assert {name: facts[name] for name in ("Delivery", "Replay", "Retry", "Timeout", "Concurrency")} == {
        "Delivery": "through a queue, up to 4 together",
        "Replay": "skipped",
        "Retry": "3 attempts: 2 retries within 1 hour",
        "Timeout": "7 s",
        "Concurrency": "2",
    }


def test_the_contracts_page_shows_events_of_others_apart(album_url: str) -> None:
    _, _, page = ask(album_url, "GET", "/_contradance/contracts")

    ours, _, others = page.partition("From others")
    assert "PhotoIndexed" in ours
    assert "Object Created" not in ours
    assert "bus &#39;default&#39;" in others
    assert "gallery.forget_member, people.rename_member" in others.replace("<wbr>", "")


def test_an_event_of_others_is_published_from_its_form(album_url: str) -> None:
    filled = form(album_url, "accounts/member removed", memberId="m-1", requestId="r/1")

    status, answered, _ = ask(album_url, "POST", PUBLISH, filled, {"origin": album_url})

    assert status == 303
    assert answered["location"].startswith("/_contradance/flows/r%2F1?event=")


def test_every_flow_has_a_page_whatever_its_id(tmp_path: Path) -> None:
    flows = ["r/1", "/r", "r/", "a?b=c", "a#b", "100%", "%2F", "ü b", "&amp;"]
    event = {"Source": "accounts", "DetailType": "member removed"}
    with Laptop(album, tmp_path, clock=VirtualClock(), variables={}, synchronous="OFF") as laptop:
        laptop.bus.put_any(
            [{**event, "Detail": json.dumps({"memberId": 5, "requestId": flow}, ensure_ascii=False)} for flow in flows]
        )
        laptop.drain()
        function = "gallery.forget_member"
        with Server(laptop, 0, feed=Feed()).serving() as url:
            for page in ("flows", f"functions/{function}", f"dead-letters/{function}"):
                _, _, text = ask(url, "GET", f"/_contradance/{page}")
                links = {html.unescape(link) for link in re.findall(r'href="([^"]+/flows/[^"]+)"', text)}

                assert {unquote(link).removeprefix("/_contradance/flows/") for link in links} >= {*flows}
                assert {ask(url, "GET", link)[0] for link in links} == {200}


def test_an_error_leads_to_the_input_of_its_field_whatever_its_name(tmp_path: Path) -> None:
    choreography = Choreography("library", contracts=Registry("library", [Weighed]), functions=[weigh])
    for url in served(tmp_path, choreography):
        filled = form(url, "library.loans/Weighed v1", **{"net weight (g)": "heavy"})

        status, _, page = ask(url, "POST", PUBLISH, filled, {"origin": url})

        assert status == 422
        assert re.findall(r'<a href="#(f-[^"]+)">', page) == re.findall(r'id="(f-net[^"]+)" name="net weight', page)


def test_the_page_of_a_schedule_shows_when_it_runs(tmp_path: Path) -> None:
    for url in served(tmp_path, library(tidy)):
        _, _, page = ask(url, "GET", "/_contradance/functions/readers.tidy")

        facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))
        assert facts["Trigger"] == "cron(0 9 * * ? *) Europe/Paris"
        assert (facts["First run from"], facts["Last run until"]) == (
            "2027-01-01 00:00:00 UTC",
            "2027-06-30 22:00:00 UTC",
        )


def test_a_dead_letter_of_others_leads_to_its_flow(tmp_path: Path) -> None:
    feed = Feed()
    with Laptop(
        album, tmp_path, clock=RealClock(), variables={}, synchronous="OFF", when_journaled=feed.send
    ) as laptop:
        entry = {"Source": "accounts", "DetailType": "member removed", "Detail": '{"memberId": 5, "requestId": "r-1"}'}
        laptop.bus.put_any([entry])
        laptop.start()
        with Server(laptop, 0, feed=feed).serving() as url:
            deadline = time.monotonic() + LONG
            while laptop.dead_letters.counts("gallery.forget_member").visible == 0:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            _, _, page = ask(url, "GET", "/_contradance/dead-letters/gallery.forget_member")

    assert "/_contradance/flows/r-1" in page


@pytest.mark.parametrize(("confirmed", "status"), [("yes", 200), ("", 409)])
def test_an_action_that_an_error_ends_shows_what_it_has_done(
    url: str, monkeypatch: pytest.MonkeyPatch, confirmed: str, status: int
) -> None:
    def breaks(*_: object, **__: object) -> Iterator[LetterOutcome]:
        message = QueueMessage("m", "no event", {}, datetime(2026, 1, 1, tzinfo=UTC), 1, moved=False)
        yield LetterOutcome(read_dead_letter("readers.remind", message), "deleted")
        raise LaptopError("the disk is full")

    monkeypatch.setattr("contradance.local.console.dead_letter_pages.purge", breaks)
    given = form(url, do="purge:all", confirmed=confirmed)

    answered, _, page = ask(url, "POST", "/_contradance/dead-letters/readers.remind", given, {"origin": url})

    assert answered == status
    assert "the disk is full" in page
    assert ("1 deleted" in page) is (confirmed == "yes")
