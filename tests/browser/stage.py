"""A laptop with its console, and a browser in front of it."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from contradance.choreography import Choreography
from contradance.local.clock import RealClock
from contradance.local.console.feed import Feed
from contradance.local.console.pages import PREFIX
from contradance.local.laptop import Laptop
from contradance.local.web.server import Server
from functions.choreography import food_delivery
from functions.demo import scenes
from tests.patience import LONG

CHROMIUM: Final = Path("/usr/bin/chromium")
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


class Stage(NamedTuple):
    """One laptop, and where its console is."""

    laptop: Laptop
    url: str

    @property
    def console(self) -> str:
        """The console's address."""
        return self.url + PREFIX

    def order(self, **changed: object) -> str:
        """Place an order as the first scene of the demo has it, and return its id."""
        body: Mapping[str, object] = {**scenes[0].body, **changed}
        answer = self.laptop.request("POST", "/orders", json.dumps(body), {"content-type": "application/json"})
        assert answer.status == 201, answer
        return str(json.loads(answer.body)["order_id"])

    def rest(self) -> None:
        """Wait until nothing is to be delivered any more."""
        self.until(lambda: self.laptop.deliveries.count()[0] == 0)
        self.laptop.deliveries.flush()

    def attempts(self) -> int:
        """Return how many attempts the journal tells of."""
        return int(self.laptop.database.read("SELECT count(*) FROM journal")[0][0])

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + LONG
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.02)


@contextmanager
def stage(folder: Path, choreography: Choreography = food_delivery, *, time_scale: float = 3600) -> Iterator[Stage]:
    """Run a laptop with its console; an hour of retries takes a second."""
    feed = Feed()
    with Laptop(
        choreography, folder, clock=RealClock(time_scale), variables={}, synchronous="OFF", when_journaled=feed.send
    ) as laptop:
        laptop.start()
        with Server(laptop, 0, feed=feed).serving() as url:
            yield Stage(laptop, url)


def require_chromium() -> None:
    """Skip the module that calls this if Debian's chromium is missing; in CI fail."""
    if not CHROMIUM.exists() or shutil.which("chromium") is None:
        why = f"THE CONSOLE IS NOT TESTED IN A BROWSER: there is no {CHROMIUM}. Install it: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why, allow_module_level=True)


@contextmanager
def browser() -> Iterator[Browser]:
    """Open Debian's chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*_ARGUMENTS])
        try:
            yield opened
        finally:
            opened.close()


def submit(page: Page, button: str) -> None:
    """Click the button and wait for the page that answers its form: another navigation before it would end both."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()
