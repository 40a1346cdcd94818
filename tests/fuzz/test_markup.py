"""Whatever other programs write, a page of the console shows it as text: no element, attribute, address or order of its own."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode, urljoin

import pytest

from contradance.local.console.guard import TOKEN_FIELD
from contradance.printable import printable_block
from tests.fuzz.oddities import SECRET
from tests.fuzz.world import World, opened

MARKUP: Final = (
    "\"'><img src=x onerror=alert(1)><svg/onload=a()></script></textarea><script>z</script>javascript:alert(1){{7*7}}"
)
HOSTILE: Final = MARKUP + "\x1b[2J\u202e\u2066\u200b"
SAFE_FOR_SQS: Final = MARKUP + "\u202e\u200b"
EXACT: Final = ("value", "name", "data-flow", "id", "for", "aria-describedby")
"""Attributes whose values a browser sends back, or compares."""
PAGES: Final = ("live", "flows", "dead-letters", "functions", "replay", "contracts", "publish")
ASKED: Final = (
    *("flows?term={}", "flows?before={}", "flows/{}", "functions/{}", "dead-letters/{}", "replay?subscriber={}", "replay/{}"),
    *("contracts/{}/{}/1", "publish?contract={}", "live?service={}", "dead-letters/desk.greet?reason={}", "static/{}", "{}"),
)  # fmt: skip


class Markup(HTMLParser):
    """Collects the links of a page, and whatever its templates do not write."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.strange: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("img", "iframe", "object", "base") or (tag == "script" and "src" not in given):
            self.strange.append((tag, given))
        for name, value in given.items():
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.strange.append((tag, name))
            if name in ("href", "src", "action", "formaction"):
                self.links.append(value)
                if value and not value.startswith(("/_contradance", "#", "?")):
                    self.strange.append((tag, name, value))
            if name not in EXACT:
                self.handle_data(value)

    def handle_data(self, data: str) -> None:
        if printable_block(data) != data:
            self.strange.append(data)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.chdir(tmp_path)
    with opened(tmp_path / "state") as served:
        yield served


def write_everywhere(world: World) -> None:
    """Write hostile text wherever another program may write text."""
    for age in (1, 2):
        metadata = {
            "event_id": f"{HOSTILE}{age}", "version": 1, "occurred_at": "2026-01-01T00:00:00Z", "subject": HOSTILE,
            "correlation_id": f"{HOSTILE}{age}", "causation_id": HOSTILE, "publisher": HOSTILE,
        }  # fmt: skip
        data = {"member": MARKUP[:90], "name": SECRET, "age": age, "tags": [HOSTILE]}
        detail = json.dumps({"metadata": metadata, "data": data})
        entry = {"DetailType": "Signed", "Detail": detail, "EventBusName": "club", "Resources": [HOSTILE]}
        entries = [{"Source": "club.members", **entry}, {"Source": HOSTILE, **entry, "DetailType": HOSTILE[:100]}]
        world.calls("AWSEvents.PutEvents", json.dumps({"Entries": entries}))
        event = {"id": HOSTILE, "source": "club.members", "detail-type": "Signed", "detail": json.loads(detail)}
        for body in (SAFE_FOR_SQS, json.dumps(event)):
            names = ("REASON", "ERROR_CODE", "ERROR_MESSAGE", "RULE_ARN", "TARGET_ARN", "RETRY_ATTEMPTS")
            given = {name: {"DataType": "String", "StringValue": SAFE_FOR_SQS} for name in names}
            for queue in ("desk-greet-dead-letters", "desk-sweep_up-dead-letters"):
                request = {
                    "QueueUrl": f"http://x/000000000000/{queue}",
                    "MessageBody": body,
                    "MessageAttributes": given,
                }
                world.calls("AmazonSQS.SendMessage", json.dumps(request))
    world.laptop.drain()


def test_no_text_becomes_markup_on_any_page(world: World) -> None:
    write_everywhere(world)
    hostile = quote(HOSTILE, safe="")
    waiting = [f"/_contradance/{page}" for page in (*PAGES, *(one.replace("{}", hostile) for one in ASKED))]
    seen: set[str] = set()
    found: list[tuple[str, object]] = []

    while waiting and len(seen) < 150:
        target = waiting.pop(0)
        if target in seen:
            continue
        seen.add(target)
        answer = world.page(target)
        if answer.headers["content-type"].startswith("text/html"):
            page = Markup()
            page.feed(answer.text)
            found += [(target, strange) for strange in page.strange]
            waiting += [urljoin(target, link.partition("#")[0]) for link in page.links if "/static/" not in link]

    assert found == []
    assert any(f"/flows/{hostile}1" in target for target in seen)
    assert "/_contradance/dead-letters/desk.sweep_up" in seen


def test_a_value_of_a_form_comes_back_exactly(world: World) -> None:
    family = "\U0001f469\u200d\U0001f466 \u202e\u00ad"
    page = world.page("/_contradance/publish?contract=" + quote("club.members/Signed v1")).text
    token = page.partition(f'name="{TOKEN_FIELD}" value="')[2].partition('"')[0]
    fields = {TOKEN_FIELD: token, "contract": "club.members/Signed v1", "member": family, "name": "a", "age": "none"}
    headers = {"Origin": world.url, "Content-Type": "application/x-www-form-urlencoded"}

    answer = world.asks("POST", "/_contradance/publish", headers, urlencode(fields).encode())

    assert answer.status == 422
    assert f'value="{family}"' in answer.text
