"""From "customer ada got no mail" to the line that raised: the newcomer's application in the console alone."""

import importlib
import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from contradance.local.captured import logging_kept
from tests.browser.conftest import Opens
from tests.browser.stage import Stage, require_chromium, stage, submit
from tests.newcomer import FAULT, fault_line, write_project

require_chromium()


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Run the newcomer's application with its console; retries wait until they are asked for."""
    monkeypatch.syspath_prepend(str(write_project(tmp_path)))
    monkeypatch.delitem(sys.modules, "clinic", raising=False)
    choreography = importlib.import_module("clinic").clinic
    before = logging.getLogger("clinic").level
    with logging_kept(choreography), stage(tmp_path / "state", choreography, time_scale=1) as running:
        yield running
    logging.getLogger("clinic").setLevel(before)


def book(running: Stage, patient: str) -> None:
    body = json.dumps({"patient": patient, "phone": "0171-555"})
    answer = running.laptop.request("POST", "/visits", body, {"content-type": "application/json"})
    assert answer.status == 201, answer


def failed_once(running: Stage, flows: int = 1) -> None:
    """Wait until each visit was booked and charged, and its mail has failed once."""
    running.until(lambda: running.attempts() == 3 * flows)
    running.until(lambda: running.laptop.deliveries.backlog("reminders.send_mail") == (0, flows))


def test_from_no_mail_to_the_line_in_at_most_four_clicks(clinic: Stage, opens: Opens) -> None:
    book(clinic, "ada")
    book(clinic, "bob")
    failed_once(clinic, 2)
    page = opens(f"{clinic.console}/live")

    page.get_by_role("link", name="Flows", exact=True).click()
    page.get_by_label("Id, subject, error or field").fill("ada")
    page.get_by_role("button", name="Find").click()

    trace = page.locator("pre.traceback")
    expect(trace).to_be_visible()
    expect(trace).to_contain_text(f"line {fault_line()}, in address_of")
    expect(trace).to_contain_text(FAULT)
    expect(trace).to_contain_text("KeyError: 'ada'")
    expect(trace).not_to_contain_text("contradance/runtime")
    logged = page.locator(".entries")
    expect(logged).to_contain_text("INFO mailing ada template=visit")
    expect(logged).to_contain_text("WARNING the mail server is slow")
    expect(page.locator(".waterfall")).not_to_contain_text("bob")


def test_a_retry_now_and_the_dead_letter_with_its_error_and_its_logs(clinic: Stage, opens: Opens) -> None:
    book(clinic, "ada")
    failed_once(clinic)
    page = opens(f"{clinic.console}/flows?term=ada")
    expect(page.locator(".waterfall > li.waiting")).to_contain_text("again at")

    submit(page, "Retry the waiting now")
    clinic.rest()
    page.reload()

    expect(page.locator(".waterfall > li.dead")).to_contain_text("dead letter")
    expect(page.locator(".waterfall > li.dead")).to_contain_text("the same traceback as in attempt 1")
    page.get_by_role("link", name="About reminders.send_mail").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("reminders.send_mail")
    page.get_by_role("link", name="Redrive dead letters").click()
    letter = page.locator(".letters li").first
    expect(letter.locator("pre.traceback")).to_contain_text(FAULT)
    expect(letter).to_contain_text("first failed at")
    letter.get_by_text("What its last attempt logged").click()
    expect(letter.locator(".entries")).to_contain_text("mailing ada")


def test_live_tells_what_waits_and_the_latest_flow_by_itself_and_counts_an_event_once(
    clinic: Stage, opens: Opens
) -> None:
    book(clinic, "ada")
    failed_once(clinic)
    page = opens(f"{clinic.console}/live")
    expect(page.locator("[data-stream]")).to_have_text("live")
    waiting = page.locator(".facts div", has_text="Waiting").locator("dd")
    expect(waiting).to_contain_text("1")

    clinic.laptop.retry("ada")

    expect(waiting).to_have_text("0")
    expect(page.locator('.right [data-box="clinic.billing/VisitCharged v1"] .count')).to_have_text("1")
    expect(page.locator('.right [data-box="reminders.send_mail"] .count')).to_have_text("2")
    book(clinic, "bob")
    expect(page.locator("[data-refresh=recent]")).to_contain_text("bob")
    expect(waiting).to_contain_text("1")


def test_a_node_of_the_picture_leads_to_its_page_and_a_schedule_runs_now(clinic: Stage, opens: Opens) -> None:
    page = opens(f"{clinic.console}/live")

    page.locator('.right a:has([data-box="reminders.send_mail"])').click()
    expect(page.get_by_role("heading", level=1)).to_have_text("reminders.send_mail")
    expect(page.locator(".pairs")).to_contain_text("2 attempts: 1 retry within 1 hour")
    page.get_by_text("The rule's event pattern").click()
    expect(page.locator("pre")).to_contain_text("VisitCharged")
    page.locator(".pairs").get_by_role("link", name="VisitCharged").click()
    expect(page).to_have_url(re.compile("/contracts/clinic.billing/VisitCharged/1$"))

    page.goto(f"{clinic.console}/functions")
    page.get_by_role("link", name="reminders.count_visits").click()
    submit(page, "Run it now")
    clinic.until(lambda: clinic.attempts() == 1)
    page.reload()
    expect(page.locator(".log li")).to_have_count(1)
    expect(page.locator(".log li")).to_contain_text("done")


def test_flows_are_filtered_and_found_by_error_and_by_a_field_but_not_by_personal_data(
    clinic: Stage, opens: Opens
) -> None:
    book(clinic, "ada")
    book(clinic, "bob")
    failed_once(clinic, 2)
    for name in ("reminders.count_visits",) * 3:
        clinic.laptop.run_schedule(name)
    clinic.until(lambda: clinic.attempts() == 9)
    page = opens(f"{clinic.console}/flows")

    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("tbody tr").first).to_contain_text("3 runs")
    for query, count in {
        "outcome=waiting": 2,
        "outcome=done": 1,
        "outcome=failed": 0,
        "trigger=POST%20%2Fvisits": 2,
        "function=billing.charge_visit": 2,
        "event=clinic.billing%2FVisitCharged%20v1": 2,
        "span=15m": 3,
        "term=KeyError": 2,
        "term=KeyError&outcome=done": 0,
        "term=0171-555": 0,
    }.items():
        page.goto(f"{clinic.console}/flows?{query}")
        expect(page.locator("tbody tr")).to_have_count(count)
