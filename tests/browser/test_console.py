"""The console as people use it: each page, each action, in Debian's chromium."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from contradance import Contract, Registry, Retry, subscriber
from contradance.choreography import Choreography
from tests.browser.conftest import Opens
from tests.browser.stage import Stage, require_chromium, stage
from tests.local.console.test_console import library
from tests.local.console.test_cost import PAGES as FULL_PAGES
from tests.local.console.test_cost import fill

require_chromium()

PAGES = ["live", "flows", "dead-letters", "replay", "contracts", "publish"]
CONTRACT = "contracts/food.orders/OrderPlaced/1"
FORM = "publish?contract=food.orders/OrderPlaced%20v1"
SQUEEZED = """() => [...document.querySelectorAll('main *')].filter(
    (one) => !one.closest('.unseen, thead, svg') && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === 'hidden').length"""
UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a, summary')]
    .filter((one) => !one.closest('[aria-hidden=true]') && !(one.labels && one.labels.length) && !one.textContent.trim()
        && !one.getAttribute('aria-label')).map((one) => one.outerHTML)"""
TWICE = """() => { const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
    return ids.filter((id, at) => ids.indexOf(id) !== at); }"""
DANGLING = """() => [...document.querySelectorAll('[aria-describedby], [aria-labelledby], label[for]')].flatMap((one) =>
    ((one.getAttribute('aria-describedby') || '') + ' ' + (one.getAttribute('aria-labelledby') || '') + ' '
        + (one.getAttribute('for') || '')).trim().split(/ +/)).filter((id) => id && !document.getElementById(id))"""
HEADINGS = "() => [...document.querySelectorAll('h1, h2, h3')].map((one) => Number(one.tagName[1]))"


def check_accessible(page: Page) -> None:
    """What a screen reader and a keyboard need of any page."""
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("main").count() == page.locator("h1").count() == 1
    assert page.title()
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(TWICE) == []
    assert page.evaluate(DANGLING) == []
    levels = page.evaluate(HEADINGS)
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.fixture
def dead(console: Stage) -> Stage:
    """A console over two dead letters of one function: their payment gateway is down."""
    for _ in range(2):
        console.order(payment_token="tok_outage")  # noqa: S106 - what the gateway's stand-in understands
    console.rest()
    return console


def test_the_bare_address_leads_to_the_live_picture(console: Stage, opens: Opens) -> None:
    page = opens(console.url + "/")

    assert page.url == f"{console.console}/live"
    expect(page.get_by_role("heading", level=1)).to_have_text("Live")


@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_is_accessible_and_fits_its_screen_empty_or_full(console: Stage, opens: Opens, width: int) -> None:
    order = "nothing"
    for filled in (False, True):
        if filled:
            order = console.order(payment_token="tok_declined")  # noqa: S106 - what the stand-in of the gateway understands
            console.order(payment_token="tok_outage")  # noqa: S106 - the same
            console.rest()
        page = opens(f"{console.console}/live", wide=width)
        for path in [*PAGES, CONTRACT, FORM, f"flows?term={order}"]:
            page.goto(f"{console.console}/{path}")

            check_accessible(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.evaluate(SQUEEZED) == 0, path


def test_empty_pages_say_what_to_do(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/flows")
    expect(page.locator(".empty")).to_contain_text("publish an event")
    page.goto(f"{console.console}/dead-letters")
    expect(page.locator(".empty")).to_contain_text("No dead letters")
    page.goto(f"{console.console}/live")
    expect(page.locator("[data-quiet]")).to_contain_text("publish an event")


def test_the_live_picture_counts_and_shows_what_happens_without_being_loaded_again(
    console: Stage, opens: Opens
) -> None:
    page = opens(f"{console.console}/live")
    expect(page.locator("[data-stream]")).to_have_text("live")

    console.order()
    console.rest()

    expect(page.locator("[data-fact=attempts]")).to_have_text("9")
    expect(page.locator('.right [data-box="orders.update_order_status"] .count')).to_have_text("2")
    expect(page.locator('.right [data-box="food.orders/OrderPlaced v1"] .count')).to_have_text("1")
    expect(page.locator("[data-log] li")).to_have_count(9)
    page.reload()
    expect(page.locator('.right [data-box="orders.update_order_status"] .count')).to_have_text("2")


def test_a_failing_function_stands_out_in_the_live_picture(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/live")
    expect(page.locator("[data-stream]")).to_have_text("live")

    console.order(payment_token="tok_outage")  # noqa: S106 - the same

    expect(page.locator('.right [data-box="payments.process_payment"]')).to_have_class(re.compile("troubled"))
    expect(page.locator("[data-fact=dead]")).to_have_text("1")
    page.get_by_text("The counts as a table").click()
    expect(page.locator('[data-state="payments.process_payment"]')).to_have_text("its last attempt failed")


def test_a_flow_is_found_and_shows_its_waterfall_and_its_way(console: Stage, opens: Opens) -> None:
    order = console.order(payment_token="tok_declined")  # noqa: S106 - what the stand-in of the gateway understands
    console.rest()
    page = opens(f"{console.console}/flows")
    expect(page.locator("tbody tr")).to_have_count(1)

    page.get_by_label("Id, subject, error or field").fill(order[:8])
    page.get_by_role("button", name="Find").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(order)
    expect(page.locator(".waterfall > li")).to_have_count(6)
    expect(page.locator(".waterfall")).to_contain_text("payments.process_payment consumed OrderPlaced")
    expect(page.locator(".waterfall > li.event")).to_have_text(["OrderPlaced", "PaymentFailed"])
    assert page.locator(".waterfall > li").evaluate_all("all => all.map((one) => one.className.at(-1))") == [*"012344"]
    lit = page.locator(".box.lit").evaluate_all("all => all.map((one) => one.dataset.box).sort()")
    assert "payments.process_payment" in lit
    assert "restaurants.confirm_order" not in lit
    assert page.locator(".right .way.lit").count() == 5


def test_a_term_that_finds_nothing_says_what_finds_something(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/flows?term=nothing-like-it")

    expect(page.locator(".empty")).to_contain_text("No flow fits nothing-like-it")


def test_personal_data_is_masked_until_it_is_revealed_on_purpose(console: Stage, opens: Opens) -> None:
    order = console.order()
    console.rest()
    page = opens(f"{console.console}/flows?term={order}")
    placed = page.locator("details.event").first
    assert "Ada Example" not in page.content()
    placed.locator("summary").click()
    expect(placed.locator("pre")).to_contain_text('"name": "***"')

    placed.get_by_role("button", name="Reveal the personal data of this event").click()

    expect(page.locator("details.event").first.locator("pre")).to_contain_text('"name": "Ada Example"')
    assert page.content().count("Ada Example") == 1, "the other events stay masked"
    page.get_by_role("link", name="Mask it again").click()
    assert "Ada Example" not in page.content()


def test_a_flow_that_goes_on_offers_to_show_it(console: Stage, opens: Opens) -> None:
    order = console.order()
    console.rest()
    page = opens(f"{console.console}/flows?term={order}")
    expect(page.locator("[data-stream]")).to_have_text("live")
    assert page.locator("[data-more]").is_hidden()
    flow = page.url.rpartition("/")[2]
    record = console.laptop.journal.flows(flow)[-1]

    console.laptop.journal.write(record)

    expect(page.locator("[data-more]")).to_be_visible()


def test_one_dead_letter_is_redriven_after_a_confirmation(dead: Stage, opens: Opens) -> None:
    page = opens(f"{dead.console}/dead-letters")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr .number")).to_have_text("2")

    page.get_by_role("link", name="payments.process_payment").click()
    expect(page.locator(".letters > li")).to_have_count(2)
    page.locator(".letters > li").first.get_by_role("button", name="Redrive this one").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Redrive 1 dead letter?")
    check_accessible(page)
    page.get_by_role("button", name="Yes, redrive it").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("1 redriven")
    check_accessible(page)
    dead.rest()
    assert dead.attempts() == 2 + 3 * 6, "one of two orders was tried six times more"


def test_ticked_and_all_dead_letters_are_purged_after_a_confirmation(dead: Stage, opens: Opens) -> None:
    page = opens(f"{dead.console}/dead-letters/payments.process_payment")
    page.get_by_role("button", name="Purge the ticked").click()
    expect(page.get_by_role("alert")).to_contain_text("No dead letter is ticked")

    page.locator(".letters input[type=checkbox]").first.check()
    page.get_by_role("button", name="Purge the ticked").click()
    page.get_by_role("button", name="Yes, purge it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 deleted")

    page.goto(f"{dead.console}/dead-letters/payments.process_payment")
    expect(page.locator(".letters > li")).to_have_count(1)
    page.get_by_role("button", name="Purge all").click()
    page.get_by_role("button", name="Yes, purge it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 deleted")
    page.goto(f"{dead.console}/dead-letters")
    expect(page.locator(".empty")).to_contain_text("No dead letters")


def test_all_dead_letters_are_redriven_and_saying_no_leaves_them(dead: Stage, opens: Opens) -> None:
    page = opens(f"{dead.console}/dead-letters/payments.process_payment?reason=failed")
    page.get_by_role("button", name="Redrive all").click()
    page.get_by_role("link", name="No, leave them").click()
    expect(page.locator(".letters > li")).to_have_count(2)

    page.get_by_role("button", name="Redrive all").click()
    page.get_by_role("button", name="Yes, redrive them").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("2 redriven")


def test_on_a_phone_no_page_is_endless_however_much_happened(tmp_path: Path, opens: Opens) -> None:
    with stage(tmp_path, library()) as running:
        running.laptop.database.write(lambda connection: fill(connection, 120))
        page = opens(f"{running.console}/live", wide=390)
        heights = {}
        for path in FULL_PAGES:
            page.goto(f"{running.console}/{path}")
            heights[path] = page.evaluate("document.documentElement.scrollHeight")
            assert page.evaluate("document.documentElement.scrollWidth") == 390, path

    assert {path: height for path, height in heights.items() if height >= 5000} == {}
    assert heights["dead-letters/readers.remind"] > 1500, "the page is full"


def test_a_dead_letter_hides_personal_data_until_it_is_revealed(dead: Stage, opens: Opens) -> None:
    page = opens(f"{dead.console}/dead-letters/payments.process_payment")
    assert "Ada Example" not in page.content()

    page.locator(".letters > li").first.get_by_text("The event").click()
    page.get_by_role("button", name="Reveal the personal data").first.click()

    assert page.content().count("Ada Example") == 1
    check_accessible(page)


def test_a_replay_is_tried_dry_then_run_and_watched(console: Stage, opens: Opens) -> None:
    console.order()
    console.rest()
    page = opens(f"{console.console}/replay")

    page.get_by_label("Function", exact=True).select_option("loyalty.add_loyalty_points")
    page.get_by_label("From, UTC").fill("2020-01-01T00:00:00")
    page.get_by_label("To, UTC, not included").fill("2199-01-01T00:00:00")
    page.get_by_role("button", name="See what would happen").click()
    expect(page.locator(".facts dd").first).to_have_text("1")
    check_accessible(page)
    page.get_by_role("button", name="Replay 1 event").click()

    expect(page.locator("[role=status] .badge")).to_have_text("completed")
    check_accessible(page)
    page.get_by_role("link", name="Replay", exact=True).first.click()
    expect(page.locator("main li")).to_contain_text("to loyalty.add_loyalty_points")


def test_a_replay_that_publishes_again_asks_for_the_functions_name(console: Stage, opens: Opens) -> None:
    console.order()
    console.rest()
    page = opens(f"{console.console}/replay?subscriber=payments.process_payment")
    page.get_by_label("From, UTC").fill("2020-01-01T00:00:00")
    page.get_by_label("To, UTC, not included").fill("2199-01-01T00:00:00")
    page.get_by_label("Also events that it has completed").check()
    page.get_by_role("button", name="See what would happen").click()

    page.get_by_role("button", name="Replay 1 event").click()
    expect(page.get_by_role("alert")).to_contain_text("Type the function's name")
    page.get_by_label("To confirm").fill("payments.process_payment")
    page.get_by_role("button", name="Replay 1 event").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("again.")


def test_a_window_that_ends_before_it_begins_is_told_beside_the_form(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/replay")
    page.get_by_label("From, UTC").fill("2026-01-02T00:00:00")
    page.get_by_label("To, UTC, not included").fill("2026-01-01T00:00:00")

    page.get_by_role("button", name="See what would happen").click()

    expect(page.get_by_role("alert")).to_contain_text("the window ends before it begins")


def test_a_contract_is_shown_with_its_fields_and_who_speaks_of_it(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/contracts")

    page.get_by_role("link", name="OrderPlaced").click()

    expect(page.locator(".facts")).to_contain_text("orders.place_order")
    expect(page.locator(".facts")).to_contain_text("payments.process_payment")
    expect(page.locator("tbody")).to_contain_text("order_id")
    page.get_by_role("link", name="Publish one").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Publish OrderPlaced")


def test_the_example_is_published_as_it_stands_by_the_return_key(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/publish")
    page.get_by_label("Contract", exact=True).select_option("food.payments/PaymentReversed v1")
    page.get_by_role("button", name="Choose").click()

    page.get_by_label("order_id").press("Enter")

    expect(page).to_have_url(re.compile("/flows/"))
    console.rest()
    page.reload()
    expect(page.locator(".waterfall")).to_contain_text("notifications.notify_customer consumed PaymentReversed")


def test_what_breaks_the_contract_is_told_beside_its_field_and_kept(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/{FORM}")
    page.get_by_label("order_id").fill("not an id")

    page.get_by_role("button", name="Publish", exact=True).last.click()

    field = page.get_by_label("order_id")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("not an id")
    expect(page.locator("#f-order_id-e")).to_have_text("Input should be a valid UUID")
    check_accessible(page)
    assert console.laptop.deliveries.count()[0] == 0


def test_items_of_a_list_are_added_and_removed(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/{FORM}")
    removes = page.get_by_role("button", name=re.compile("^Remove "))
    before = removes.count()

    page.get_by_role("button", name="Add one to lines").click()
    expect(removes).to_have_count(before + 1)
    removes.first.click()

    expect(removes).to_have_count(before)


def test_every_page_works_without_script(console: Stage, opens: Opens) -> None:
    console.order()
    console.rest()
    for path in [*PAGES, CONTRACT]:
        page = opens(f"{console.console}/{path}", script=False)
        expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_the_keyboard_reaches_the_content_and_every_page(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/live")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for key, path in (("d", "dead-letters"), ("f", "flows"), ("f", "functions"), ("f", "flows")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page).to_have_url(f"{console.console}/{path}")
        page.wait_for_load_state()


def test_an_address_with_a_percent_sign_stops_no_script(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/live#100%")

    expect(page.locator("[data-stream]")).to_have_text("live")


def test_every_label_of_the_picture_is_inside_its_box_as_the_browser_draws_it(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/live")

    outside = page.evaluate("""() => [...document.querySelectorAll('.picture .box')].filter((box) => {
        const shape = box.querySelector('.shape').getBoundingClientRect();
        return [...box.querySelectorAll('.name, .handler, .service')].some((text) => {
            const label = text.getBoundingClientRect();
            return label.left < shape.left || label.right > shape.right || label.top < shape.top || label.bottom > shape.bottom;
        });
    }).map((box) => box.dataset.box)""")

    assert outside == []


# What somebody would like the console to do.

HOSTILE = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}</textarea></pre>"


class Said(Contract, source="hostile.a", subject="item"):
    __doc__ = f"Somebody said {HOSTILE}"

    item: str = HOSTILE
    more: dict[str, str] = {HOSTILE: HOSTILE}  # noqa: RUF012 - Pydantic copies it


@subscriber(service="b", retry=Retry(times=0))
def fail(said: Said) -> None:
    raise RuntimeError(said.item)


hostile = Choreography("hostile", contracts=Registry("hostile", [Said]), functions=[fail])


@pytest.fixture
def besieged(tmp_path: Path, chromium: Browser) -> Iterator[Stage]:
    with stage(tmp_path, hostile) as running:
        yield running


def test_what_is_hostile_is_shown_as_text_on_every_page(besieged: Stage, opens: Opens) -> None:
    page = opens(f"{besieged.console}/live")
    expect(page.locator("[data-stream]")).to_have_text("live")
    other = opens(f"{besieged.console}/publish?contract=hostile.a/Said%20v1")
    expect(other.get_by_label("item")).to_have_value(HOSTILE)
    other.get_by_role("button", name="Publish", exact=True).last.click()
    besieged.rest()

    expect(page.locator("[data-log] li")).to_contain_text(HOSTILE)
    for path in [*PAGES, "flows?term=" + HOSTILE[:9], "contracts/hostile.a/Said/1", "dead-letters/b.fail"]:
        page.goto(f"{besieged.console}/{path}")
        assert page.locator("img, main script").count() == 0
    expect(page.locator("pre.error").first).to_contain_text(HOSTILE)
    other.goto(f"{besieged.console}/flows")
    other.locator("tbody th a").click()
    expect(other.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    assert other.locator("img, main script").count() == 0


def test_a_hostile_text_in_every_field_of_a_form_comes_back_as_text(console: Stage, opens: Opens) -> None:
    page = opens(f"{console.console}/{FORM}")
    inputs = page.locator("form.big input:not([type=hidden])")
    for position in range(inputs.count()):
        inputs.nth(position).fill(HOSTILE)

    with page.expect_navigation():
        page.get_by_role("button", name="Publish", exact=True).last.click()

    expect(page.get_by_role("alert")).to_be_visible()
    assert {inputs.nth(position).input_value() for position in range(inputs.count())} == {HOSTILE}
    assert page.locator("img, main script").count() == 0
    for path in (f"flows?term={HOSTILE}", f"replay?subscriber={HOSTILE}", f"publish?contract={HOSTILE}"):
        page.goto(f"{console.console}/{path}")
        assert page.locator("img, main script").count() == 0
