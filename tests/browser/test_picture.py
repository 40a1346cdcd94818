"""The picture as people look at it: on a phone and on a desk, near and far, whole and one service's part."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Opens
from tests.browser.stage import Stage, require_chromium, stage
from tests.catalog.generated import of_size

require_chromium()

PHONE = 390
SHOWN = ".canvas .picture:visible"


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, str]]:
    """Run the food system after an order whose mail and payment went well, and one whose payment failed."""
    with stage(tmp_path_factory.mktemp("failed")) as running:
        running.order()
        order = running.order(payment_token="tok_outage")  # noqa: S106 - what the stand-in of the gateway understands
        running.rest()
        yield running, order


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("grown"), of_size(60, 1)) as running:
        yield running


def width(page: Page) -> float:
    """Return the width of the picture, in pixels of the page."""
    return float(page.locator(SHOWN).evaluate("one => one.getBoundingClientRect().width"))


def scrolled(page: Page) -> list[float]:
    found: list[float] = page.locator(".canvas").evaluate("one => [one.scrollLeft, one.scrollTop]")
    return found


def name_height(page: Page) -> float:
    """Return the font size of names in pixels of the page."""
    return float(
        page.locator(SHOWN).evaluate("one => 13 * one.getBoundingClientRect().width / one.viewBox.baseVal.width")
    )


def in_sight(page: Page, selector: str) -> bool:
    """Whether all of an element is inside the part of the picture that is shown."""
    return bool(
        page.locator(f"{SHOWN} {selector}").evaluate("""one => {
            const [box, frame] = [one.querySelector('.shape').getBoundingClientRect(), one.closest('.canvas').getBoundingClientRect()];
            return frame.left <= box.left && box.right <= frame.right && frame.top <= box.top && box.bottom <= frame.bottom;
        }""")
    )


@pytest.mark.parametrize("path", ["live", "flows?term="])
def test_on_a_phone_time_runs_downwards_and_what_failed_is_in_sight(
    failed: tuple[Stage, str], opens: Opens, path: str
) -> None:
    running, order = failed

    page = opens(f"{running.console}/{path}{order if path != 'live' else ''}", wide=PHONE)

    expect(page.locator(SHOWN)).to_have_count(1)
    expect(page.locator(SHOWN)).to_have_class(re.compile(r"\bdown\b"))
    assert in_sight(page, ".troubled")
    assert name_height(page) >= 10
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE
    assert page.evaluate("document.documentElement.scrollHeight") < 5000


def test_a_page_without_script_shows_the_picture_that_fits_it(failed: tuple[Stage, str], opens: Opens) -> None:
    running, _ = failed

    for wide, direction in ((PHONE, "down"), (1280, "right")):
        page = opens(f"{running.console}/live", wide=wide, script=False)
        expect(page.locator(SHOWN)).to_have_class(re.compile(rf"\b{direction}\b"))
        expect(page.locator("[data-tools]")).to_be_hidden()


def test_buttons_keys_and_the_wheel_zoom_and_the_middle_stays(grown: Stage, opens: Opens) -> None:
    page = opens(f"{grown.console}/live")
    before = width(page)

    page.get_by_role("button", name="Zoom in").click()
    assert width(page) == pytest.approx(before * 1.3, rel=0.01)
    page.get_by_role("button", name="Zoom out").click()
    assert width(page) == pytest.approx(before, rel=0.01)
    canvas = page.get_by_role("region", name="The choreography")
    canvas.focus()
    page.keyboard.press("1")
    assert name_height(page) == pytest.approx(13, rel=0.01)
    page.keyboard.press("0")
    assert canvas.evaluate("one => one.scrollWidth <= one.clientWidth && one.scrollHeight <= one.clientHeight + 1")
    page.keyboard.press("+")
    fitted = width(page)
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.wait_for_function(
        "before => document.querySelector('.picture').getBoundingClientRect().width > before", arg=fitted
    )


def test_a_mouse_drags_the_picture_and_the_click_that_ends_it_alone_opens_nothing(grown: Stage, opens: Opens) -> None:
    page = opens(f"{grown.console}/live")
    page.get_by_role("button", name="Actual size").click()
    page.locator(".canvas").evaluate("one => one.scrollTo(0, 0)")
    on_a_box = page.locator(f"{SHOWN} .box .shape >> nth=0")
    on_a_box.scroll_into_view_if_needed()
    left, top = scrolled(page)
    box = on_a_box.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 40, steps=4)
    page.mouse.up()

    assert scrolled(page) == [left + 60, top + 40]
    assert page.url.endswith("/live")

    link = page.locator(f"{SHOWN} a").first
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("(?<!/live)$"))


def test_two_fingers_zoom(failed: tuple[Stage, str], chromium: Browser) -> None:
    running, _ = failed
    context = chromium.new_context(viewport={"width": PHONE, "height": 900}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{running.console}/live")
    before = width(page)
    touch = context.new_cdp_session(page)
    box = page.locator(".canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 150

    def fingers(kind: str, apart: float) -> None:
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}] if apart else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 40)
    for apart in (50, 60, 80):
        fingers("touchMove", apart)
    fingers("touchEnd", 0)

    assert width(page) == pytest.approx(before * 2, rel=0.02)
    assert page.evaluate("visualViewport.scale") == 1, "the picture grows, and not the page"
    context.close()


def test_the_lines_of_the_box_under_the_pointer_stand_out(failed: tuple[Stage, str], opens: Opens) -> None:
    running, _ = failed
    page = opens(f"{running.console}/live")

    page.locator(f'{SHOWN} [data-box="payments.reverse_payment"]').hover()

    expect(page.locator(f"{SHOWN} .way.near")).to_have_count(2)
    page.locator("h1").hover()
    expect(page.locator(f"{SHOWN} .way.near")).to_have_count(0)


def test_a_services_part_has_its_functions_and_neighbours_and_can_be_read(grown: Stage, opens: Opens) -> None:
    page = opens(f"{grown.console}/live")
    whole = page.locator(f"{SHOWN} .box").count()
    service = page.get_by_role("navigation", name="Part of the picture").get_by_role("link").nth(1)
    name = service.inner_text()

    with page.expect_navigation():  # before the stylesheet is loaded, both directions of the picture are visible
        service.click()

    expect(page.locator(f"{SHOWN} .title")).to_contain_text(f": {name}")
    keys = page.locator(f"{SHOWN} .box").evaluate_all("all => all.map((one) => one.dataset.box)")
    own = [function.name for function in grown.laptop.choreography.functions.values() if function.service == name]
    assert {*own} & {*grown.laptop.choreography.connected} <= {*keys}
    assert len(keys) < whole
    assert name_height(page) >= 11
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_live_counts_in_a_services_part_without_drawing_it_anew(failed: tuple[Stage, str], opens: Opens) -> None:
    running, _ = failed
    page = opens(f"{running.console}/live?service=orders")
    expect(page.locator("[data-stream]")).to_have_text("live")
    count = page.locator(f'{SHOWN} [data-box="orders.place_order"] .count')
    before = int(count.text_content() or 0)
    page.locator(SHOWN).evaluate("one => one.setAttribute('data-same', 'yes')")

    running.order()

    expect(count).to_have_text(str(before + 1))
    expect(page.locator(SHOWN)).to_have_attribute("data-same", "yes")
