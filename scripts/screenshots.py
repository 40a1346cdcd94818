"""Photograph every page of the console, narrow and wide, light and dark; with --docs write the README's two as well."""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Page, ViewportSize  # noqa: E402 - the project's root has to be importable first

from contradance.local.captured import logging_kept  # noqa: E402 - the same
from functions.choreography import food_delivery  # noqa: E402 - the same
from tests.browser.stage import Stage, browser, stage  # noqa: E402 - the same

OUT: Final = ROOT / ".screenshots"
DOCS: Final = ROOT / "docs"
WIDTHS: Final = (390, 1280)


def _filled(running: Stage) -> tuple[str, str, str]:
    """Have things happen, and return the ids of three orders: that went well, that was refused, whose payment failed."""
    for token in ("tok_outage", "tok_outage", "tok_visa", "tok_declined", "tok_visa"):
        running.order(payment_token=token)
    failed = running.order(payment_token="tok_outage")  # noqa: S106 - what the stand-in of the gateway understands
    refused = running.order(restaurant_id="night-owl")
    well = running.order()
    running.rest()
    return well, refused, failed


def _pages(well: str, refused: str, failed: str) -> Iterator[tuple[str, str]]:
    yield "live", "live"
    yield "flows", "flows"
    yield "flows-nothing", "flows?term=nothing"
    yield "flow", f"flows?term={refused}"
    yield "flow-well", f"flows?term={well}"
    yield "flow-failed", f"flows?term={failed}"
    yield "flows-failed", "flows?outcome=failed"
    yield "functions", "functions"
    yield "function", "functions/payments.process_payment"
    yield "dead-letters", "dead-letters"
    yield "dead-letters-of-one", "dead-letters/payments.process_payment?reason=failed"
    yield "replay", "replay"
    yield "contracts", "contracts"
    yield "contract", "contracts/food.orders/OrderPlaced/1"
    yield "publish", "publish?contract=food.orders/OrderPlaced%20v1"
    yield "no-such-page", "no-such-page"


def _shoot(page: Page, name: str) -> None:
    page.wait_for_timeout(150)
    page.screenshot(path=OUT / f"{name}.png", full_page=True)


def _actions(page: Page, running: Stage, suffix: str) -> None:
    """Photograph what stands behind a button."""
    page.goto(f"{running.console}/dead-letters/payments.process_payment")
    page.get_by_role("button", name="Redrive all").click()
    _shoot(page, f"dead-letters-confirm-{suffix}")
    page.goto(f"{running.console}/replay?subscriber=payments.process_payment")
    page.get_by_label("From, UTC").fill("2020-01-01T00:00:00")
    page.get_by_label("Also events that it has completed").check()
    page.get_by_role("button", name="See what would happen").click()
    _shoot(page, f"replay-dry-run-{suffix}")
    page.get_by_label("To confirm").fill("payments.process_payment")
    page.get_by_role("button", name="Replay").click()
    _shoot(page, f"replay-one-{suffix}")
    page.goto(f"{running.console}/publish?contract=food.orders/OrderPlaced%20v1")
    page.get_by_label("order_id").fill("not an id")
    page.get_by_role("button", name="Publish", exact=True).last.click()
    _shoot(page, f"publish-refused-{suffix}")


def _all(opened: Browser, running: Stage, orders: tuple[str, str, str]) -> None:
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            context = opened.new_context(viewport=ViewportSize(width=width, height=900), color_scheme=scheme)
            page = context.new_page()
            for name, path in _pages(*orders):
                page.goto(f"{running.console}/{path}")
                _shoot(page, f"{name}-{width}-{scheme}")
            if scheme == "light":
                _actions(page, running, f"{width}-{scheme}")
            context.close()


def _for_the_readme(opened: Browser, running: Stage, failed: str) -> None:
    context = opened.new_context(viewport=ViewportSize(width=1280, height=900), color_scheme="light")
    page = context.new_page()
    for path, name in (("live", "console-live.png"), (f"flows?term={failed}", "console-flow.png")):
        page.set_viewport_size(ViewportSize(width=1280, height=900 if path == "live" else 1240))
        page.goto(f"{running.console}/{path}")
        if path == "live":
            page.locator("[data-stream].on").wait_for()
            for token in ("tok_visa", "tok_outage"):
                running.order(payment_token=token)
                running.rest()
        page.wait_for_timeout(1200)  # what has just happened still moves
        page.screenshot(path=DOCS / name)
    context.close()


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    with (
        TemporaryDirectory() as folder,
        browser() as opened,
        logging_kept(food_delivery),
        stage(Path(folder)) as running,
    ):
        orders = _filled(running)
        if "--docs" in sys.argv:
            _for_the_readme(opened, running, orders[2])
        else:
            _all(opened, running, orders)
