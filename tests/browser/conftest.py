from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.stage import Stage, browser, stage

Opens = Callable[..., Page]
_PATIENCE_MS = 30_000
expect.set_options(timeout=_PATIENCE_MS)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Start a browser for these tests alone: Playwright keeps an event loop running, beside which no other can."""
    with browser() as opened:
        yield opened


@pytest.fixture
def console(tmp_path: Path, chromium: Browser) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        yield running


@pytest.fixture
def opens(chromium: Browser) -> Iterator[Opens]:
    """Open pages; at the end nothing may have been complained of, and no dialog may have opened."""
    complaints: list[str] = []
    contexts = []

    def opened(url: str, *, wide: int = 1280, script: bool = True) -> Page:
        context = chromium.new_context(viewport=ViewportSize(width=wide, height=900), java_script_enabled=script)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.on("console", lambda said: complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    # A form that is refused is answered with 422, which Chromium reports as a failed resource.
    assert [one for one in complaints if "status of 422" not in one] == []
