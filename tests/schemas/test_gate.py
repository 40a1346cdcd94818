"""The gate, and the story of an event that is broken in ten ways: ten refusals, each naming whom it hurts."""

import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from contradance import Registry
from contradance.catalog.freezing import freeze_contracts
from contradance.errors import BrokenPromise
from contradance.gate import refuse_breaks
from functions.choreography import food_delivery
from tests.forking import ROOT, Ended, commands
from tests.schemas.library import BookLent, BookLentV2, changed, count, lend, library, remind

PAYMENTS = {"OrderPlaced": ["payments.process_payment"]}
EVERYBODY_WITH_MONEY = {
    **PAYMENTS,
    "PaymentSuccess": ["restaurants.confirm_order"],
    "PaymentFailed": ["orders.update_order_status", "notifications.notify_customer"],
    "PaymentReversed": ["notifications.notify_customer"],
    "RestaurantConfirmedOrder": [
        "orders.update_order_status",
        "deliveries.assign_delivery_partner",
        "loyalty.add_loyalty_points",
        "notifications.notify_customer",
    ],
    "RestaurantOrderConfirmationFailed": [
        "orders.update_order_status",
        "payments.reverse_payment",
        "notifications.notify_customer",
    ],
}


class Way(NamedTuple):
    """One edit of the contracts, and what is said to it."""

    file: str
    before: str
    after: str
    rules: set[str]
    breaks: list[str]
    victims: dict[str, list[str]]


BOTH = ["backward", "forward"]
WAYS = {
    "a new field that old events lack": Way(
        "orders", "    placed_at: AwareDatetime", "    coupon: str\n    placed_at: AwareDatetime",
        {"required-field-added"}, ["backward"], PAYMENTS),
    "a field is gone that consumers need": Way(
        "orders", "    total: Money = Field(description=\"The sum of the order's lines.\")\n", "",
        {"required-field-removed"}, ["forward"], PAYMENTS),
    "a field has another name": Way(
        "orders", "    payment_token: ", "    card_token: ",
        {"field-renamed"}, BOTH, PAYMENTS),
    "a field has another type": Way(
        "orders", "    total: Money", "    total: int",
        {"type-changed"}, BOTH, PAYMENTS),
    "fewer lines than an archived order has": Way(
        "orders", "max_length=50", "max_length=20",
        {"max-items"}, ["backward"], PAYMENTS),
    "more of a dish than consumers take": Way(
        "values", "le=99", "le=500",
        {"maximum"}, ["forward"], PAYMENTS),
    "a moment becomes a day": Way(
        "orders", "    placed_at: AwareDatetime", "    placed_at: date",
        {"format", "cannot-prove"}, BOTH, PAYMENTS),
    "a restaurant that need not be there": Way(
        "orders", "    restaurant_id: Handle = Field(", "    restaurant_id: Handle | None = Field(default=None, ",
        {"field-optional", "null-allowed"}, ["forward"], PAYMENTS),
    "one more currency": Way(
        "values", '    USD = "USD"', '    USD = "USD"\n    CHF = "CHF"',
        {"values-added"}, ["forward"], EVERYBODY_WITH_MONEY),
    "a subject of another kind": Way(
        "orders", 'source="food.orders", subject="order_id"', 'source="food.orders", subject="restaurant_id"',
        {"subject"}, BOTH, PAYMENTS),
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the food delivery system."""
    root = tmp_path_factory.mktemp("food")
    for folder in ("contracts", "functions"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def contracts(project: Path, *arguments: str) -> Ended:
    """Run `contradance contracts` in the copy."""
    path = os.pathsep.join([str(project / "contracts"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return commands.run("-m", "contradance", "contracts", *arguments, cwd=project, env=environment)


def test_the_copy_keeps_its_promises(project: Path) -> None:
    asked = contracts(project, "check")

    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "7 frozen contracts, no breaking change.\n", "")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_order_that_was_placed_is_broken_in_ten_ways(project: Path, way: Way) -> None:
    edited = project / "contracts" / "food_contracts" / f"{way.file}.py"
    text = edited.read_text()
    assert way.before in text
    edited.write_text(
        text.replace(way.before, way.after, 1).replace("from uuid", "from datetime import date\nfrom uuid")
    )
    try:
        asked = contracts(project, "check", "--json")
    finally:
        edited.write_text(text)

    found: list[dict[str, Any]] = json.loads(asked.stdout)
    assert asked.returncode == 1
    assert {one["rule"] for one in found} == way.rules
    assert sorted({direction for one in found for direction in one["breaks"]}) == way.breaks
    assert {one["contract"].split("/")[1].removesuffix(" v1"): one["victims"] for one in found} == way.victims
    assert all(one["message"].endswith(".") and "version 2" in one["fix"] for one in found)


def test_freezing_refuses_what_the_gate_refuses(project: Path) -> None:
    edited = project / "contracts" / "food_contracts" / "orders.py"
    text = edited.read_text()
    edited.write_text(text.replace("max_length=50", "max_length=20"))
    try:
        asked = contracts(project, "freeze")
    finally:
        edited.write_text(text)

    assert asked.returncode == 1
    assert asked.stderr.startswith(
        "BrokenPromise: 1 change breaks the frozen contracts\n  food.orders/OrderPlaced v1: lines"
    )


def test_what_is_frozen_is_what_the_food_delivery_system_says() -> None:
    frozen = freeze_contracts(food_delivery, ROOT / "contracts" / "schemas", write_files=False)

    assert frozen.plan.empty, "run: contradance contracts freeze"
    assert frozen.count == 7


# The gate of a deployment


def test_the_pulumi_program_refuses_before_it_builds_or_creates_anything() -> None:
    program = (ROOT / "__main__.py").read_text()

    assert (
        0
        < program.index("refuse_breaks(choreography, ")
        < program.index("build(project.root")
        < program.index("pulumi.run(")
    )


def test_nothing_is_refused_where_nothing_is_frozen(tmp_path: Path) -> None:
    refuse_breaks(library(BookLent), tmp_path / "nowhere")


def test_a_deployment_that_breaks_a_promise_is_refused_and_the_readers_are_named(tmp_path: Path) -> None:
    freeze_contracts(library(BookLent, BookLentV2, functions=(lend, remind, count)), tmp_path)
    narrower = changed(BookLent, days=(int, None))

    with pytest.raises(BrokenPromise) as refused:
        refuse_breaks(Registry("library", [narrower, BookLentV2]), tmp_path)

    assert "days is no longer bounded, was at least 1: old consumers refuse new events." in str(refused.value)


def test_who_reads_a_version_by_upcasting_it_is_hurt_as_well(tmp_path: Path) -> None:
    system = library(BookLent, BookLentV2, functions=(lend, remind, count))
    freeze_contracts(system, tmp_path)
    path = tmp_path / "library.loans" / "BookLent" / "v1.json"
    said = json.loads(path.read_text())
    said["schema"]["properties"]["days"]["minimum"] = 0
    path.write_text(json.dumps(said))

    with pytest.raises(
        BrokenPromise, match=r"published by loans\.lend, consumed by reminders\.remind, statistics\.count;"
    ):
        refuse_breaks(system, tmp_path)
    refuse_breaks(system, tmp_path, mode="forward")
