"""The live pages' streams: their number is bounded, also when many are opened at once."""

import threading
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contradance.local.console.feed import MOST, Feed, summary
from contradance.local.web.server import Server
from contradance.runtime.journal_record import PublishedEvent
from tests.local.console.test_tally import record
from tests.local.desk import ROUTES, opened
from tests.patience import LONG

BURST = 4 * MOST


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def url(tmp_path: Path, feed: Feed) -> Iterator[str]:
    with opened(tmp_path, *ROUTES) as laptop, Server(laptop, 0, feed=feed).serving() as served:
        yield served


def burst(url: str, number: int) -> tuple[list[HTTPConnection], Counter[int]]:
    """Open streams at once; return their connections, and how often each status was answered."""
    address = urlsplit(url)
    connections = [HTTPConnection(address.hostname or "", address.port, timeout=LONG) for _ in range(number)]
    statuses: list[int] = []
    together = threading.Barrier(number)

    def open_one(connection: HTTPConnection) -> None:
        together.wait(LONG)
        connection.request("GET", "/_contradance/stream")
        statuses.append(connection.getresponse().status)

    threads = [threading.Thread(target=open_one, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    return connections, Counter(statuses)


def test_a_burst_of_streams_gets_as_many_as_there_may_be(url: str, feed: Feed) -> None:
    connections, statuses = burst(url, BURST)
    address = urlsplit(url)
    other = HTTPConnection(address.hostname or "", address.port, timeout=LONG)
    other.request("GET", "/items/a")

    assert statuses == {200: MOST, 503: BURST - MOST}
    assert other.getresponse().status == 200
    for connection in (*connections, other):
        connection.close()


def test_no_page_leaves_while_a_record_is_sent_to_it(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bool] = []

    class Loop:
        """The event loop of a page that leaves when it gets a record; a loop that is closed would raise."""

        def call_soon_threadsafe(self, *_: object) -> None:
            leaving.start()
            leaving.join(0.05)
            sent.append(bool(feed._watchers))

    monkeypatch.setattr("asyncio.get_running_loop", Loop)
    page = feed.watching()
    page.__enter__()
    leaving = threading.Thread(target=page.__exit__, args=(None, None, None))

    feed.send(record("a.x"))
    leaving.join(LONG)

    assert sent == [True]
    assert not feed._watchers


def test_a_page_that_is_closed_makes_room_for_another(url: str, feed: Feed) -> None:
    for connection in burst(url, MOST)[0]:
        connection.close()
    deadline = threading.Event()
    while feed._watchers:  # the server sees a closed connection when its stream next looks
        assert not deadline.wait(0.01)

    connections, statuses = burst(url, MOST)

    assert statuses == {200: MOST}
    for connection in connections:
        connection.close()


def test_a_record_of_thousands_of_published_events_is_sent_as_a_count_of_each_contract() -> None:
    contracts = ["library.a/Done v1"] * 3_000 + ["library.a/Left v1"]
    published = tuple(PublishedEvent(event_id=f"e-{number}", contract=one) for number, one in enumerate(contracts))

    found = summary(record("a.x").model_copy(update={"published": published}))["published"]

    assert found == [{"contract": "library.a/Done v1", "times": 3_000}, {"contract": "library.a/Left v1", "times": 1}]
