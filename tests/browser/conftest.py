from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.stage import Stage, browser, stage

Opens = Callable[..., Page]
IdlePages = dict[bool, list[Page]]
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


@pytest.fixture(scope="package")
def idle_pages(chromium: Browser) -> IdlePages:
    """Return the pages that no test uses, by whether they run scripts: each is a process, which takes long to start."""
    return {True: [], False: []}


@pytest.fixture
def opens(chromium: Browser, idle_pages: IdlePages) -> Iterator[Opens]:
    """Open pages without cookies; at the end nothing may have been complained of, and no dialog may have opened."""
    complaints: list[str] = []
    listeners: dict[str, Callable[..., None]] = {
        "console": lambda said: complaints.append(f"{said.type}: {said.text}"),
        "pageerror": lambda error: complaints.append(str(error)),
        "dialog": lambda dialog: complaints.append(f"dialog: {dialog.message}"),
    }
    used: list[tuple[bool, Page]] = []

    def opened(url: str, *, wide: int = 1280, script: bool = True) -> Page:
        idle = idle_pages[script]
        page = (
            idle.pop() if idle else chromium.new_context(java_script_enabled=script, reduced_motion="reduce").new_page()
        )
        used.append((script, page))
        page.set_viewport_size(ViewportSize(width=wide, height=900))
        page.set_default_timeout(_PATIENCE_MS)
        for event, listener in listeners.items():
            page.on(event, listener)  # type: ignore[call-overload]  # one of its events
        page.goto(url)
        return page

    yield opened
    for script, page in used:
        page.mouse.move(0, 0)
        page.goto("about:blank")
        page.context.clear_cookies()
        for event, listener in listeners.items():
            page.remove_listener(event, listener)
        idle_pages[script].append(page)
    # A form that is refused is answered with 422, which Chromium reports as a failed resource.
    assert [one for one in complaints if "status of 422" not in one] == []
