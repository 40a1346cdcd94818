import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given
from rich.tree import Tree
from typer.testing import CliRunner

from contradance import Choreography, Contract, Registry, schedule, subscriber
from contradance.catalog.mermaid import mermaid
from contradance.catalog.picture import svg
from contradance.choreography import AnyFunction
from contradance.cli.app import app
from contradance.cli.theme import out
from contradance.cli.trees import choreography_tree
from contradance.errors import DeclarationError
from contradance.project import find_project
from functions.choreography import food_delivery
from tests.catalog.generated import choreographies
from tests.cli.project import ROOT
from tests.examples import examples

FOOD = """\
food-delivery
├── POST /orders  orders.place_order
│   └── OrderPlaced
│       └── payments.process_payment ×6 queued
│           ├── either PaymentSuccess
│           │   └── restaurants.confirm_order ×3
│           │       ├── either RestaurantConfirmedOrder
│           │       │   ├── orders.update_order_status ×3
│           │       │   ├── deliveries.assign_delivery_partner ×3
│           │       │   │   └── DeliveryPartnerAssigned
│           │       │   │       ├── orders.update_order_status ×3
│           │       │   │       └── notifications.notify_customer ×3
│           │       │   ├── loyalty.add_loyalty_points ×3
│           │       │   └── notifications.notify_customer ×3
│           │       └── or RestaurantOrderConfirmationFailed
│           │           ├── orders.update_order_status ×3
│           │           ├── payments.reverse_payment ×6 queued
│           │           │   └── PaymentReversed
│           │           │       └── notifications.notify_customer ×3
│           │           └── notifications.notify_customer ×3
│           └── or PaymentFailed
│               ├── orders.update_order_status ×3
│               └── notifications.notify_customer ×3
├── GET /orders/{order_id}  orders.show_order
├── GET /orders  orders.list_orders
├── GET /payments/{order_id}  payments.show_payment
├── GET /customers/{customer_id}/loyalty  loyalty.show_loyalty_points
└── GET /customers/{customer_id}/notifications  notifications.list_notifications

×3      attempts, after which the event is kept as a dead letter
queued  through a queue of its own
"""


class Begun(Contract, source="shop.a", subject="item"):
    item: str


class Heard(Contract, source="elsewhere.b", subject="item"):
    item: str


class BegunV2(Contract, source="shop.a", detail_type="Begun", version=2, upcasts=Begun, subject="item"):
    item: str
    count: int

    @classmethod
    def upcast(cls, old: Begun) -> Self:
        return cls(item=old.item, count=1)

    def downcast(self) -> Begun:
        return Begun(item=self.item)


registry = Registry("shop", [Begun, BegunV2, Heard])


@schedule("rate(1 day)", service="a")
def daily() -> Begun:
    return Begun(item="x")


@schedule("rate(1 hour)", service="a")
def hourly() -> Begun:
    return Begun(item="x")


@schedule("rate(1 day)", service="a")
def counting() -> BegunV2:
    return BegunV2(item="x", count=2)


@subscriber(service="d")
def count(event: BegunV2) -> None: ...


@subscriber(service="c")
def keep(event: Begun | Heard) -> None: ...


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_whole_system_is_drawn_as_a_tree() -> None:
    result = CliRunner().invoke(app, ["graph"])

    assert (result.exit_code, result.stdout) == (0, FOOD)


def test_the_tree_fits_a_terminal_of_80_columns() -> None:
    assert max(map(len, FOOD.splitlines())) <= 80


def test_the_picture_is_mermaid_and_nothing_else() -> None:
    result = CliRunner().invoke(app, ["graph", "--format", "mermaid"])

    assert (result.exit_code, result.stdout) == (0, mermaid(food_delivery))


def test_the_picture_is_svg_and_nothing_else() -> None:
    result = CliRunner().invoke(app, ["graph", "--format", "svg"])

    assert (result.exit_code, result.stdout) == (0, svg(food_delivery))


def test_a_picture_is_written_to_the_file_that_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["graph", "--format", "svg", "--out", str(tmp_path / "x.svg")])

    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / "x.svg").read_text(encoding="utf-8") == svg(food_delivery)


def test_a_file_that_cannot_be_written_is_a_mistake_of_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["graph", "--format", "svg", "--out", str(tmp_path)])

    assert result.exit_code == 2
    assert "--out" in result.output


def test_a_tree_is_not_written_to_a_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["graph", "--out", str(tmp_path / "x.txt")])

    assert result.exit_code == 2
    assert "--format svg" in result.output
    assert not (tmp_path / "x.txt").exists()


def test_a_form_that_does_not_exist_is_a_mistake_of_usage() -> None:
    result = CliRunner().invoke(app, ["graph", "--format", "dot"])

    assert result.exit_code == 2
    assert "'tree'" in result.output
    assert "'mermaid'" in result.output


def test_it_works_from_a_folder_inside_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "functions" / "orders")

    result = CliRunner().invoke(app, ["graph"])

    assert (result.exit_code, result.stdout) == (0, FOOD)


def test_without_a_project_it_says_what_makes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ["graph"])

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"DeclarationError: there is no pyproject.toml with [tool.contradance] in {tmp_path} or above it.\n"
        '  Add one with choreography = "functions.choreography:name", or change into the project.\n'
    )


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("", "does not name its choreography."),
        ('choreography = "nowhere:it"', "it cannot be loaded"),
        ('choreography = "json:nothing"', "but json has no 'nothing'."),
        *(
            (f'choreography = "{target}"', "is not a module and a name.")
            for target in (
                "",
                ":",
                "a",
                "a:",
                ":a",
                ".a:b",
                "a..b:c",
                "a/b.py:c",
                " a:b",
                "a:b.c",
                r"\u0000:a",
                "a" * 999,
            )
        ),
        ('choreography = "json:dumps"', "is named as the choreography, but is a function."),
    ],
)
def test_a_project_that_names_no_choreography_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, told: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.contradance]\n{settings}\n")
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ["graph"])

    assert result.exit_code == 1
    assert told in result.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[tool.contradance", "pyproject.toml cannot be read: "),
        (b"\xff", "pyproject.toml cannot be read: "),
        (
            "[tool.contradance]\nchoreography = 5",
            "pyproject.toml has tool.contradance.choreography = 5, which is not a text.",
        ),
        ("[tool]\ncontradance = 5", "pyproject.toml has tool.contradance = 5, which is not a text."),
        ("[tool.contradance]\naccepted = 5", "pyproject.toml has tool.contradance.accepted = 5, which is not a text."),
        ("x = " + "[" * 5_000, "pyproject.toml cannot be read: "),
        (f"[tool.contradance]\n{'k' * 999} = 5", f"{'k' * 100}"),
        (f"[tool.contradance]\na = {[1] * 9_999}", "…, which is not a text."),
        ("tool = 5", "there is no pyproject.toml with [tool.contradance]"),
    ],
)
def test_a_project_file_that_is_not_valid_is_refused_with_its_place(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content.encode() if isinstance(content, str) else content)

    with pytest.raises(DeclarationError, match=re.escape(told)) as caught:
        find_project(tmp_path)

    assert len(str(caught.value)) < 1_000


def test_schedules_and_events_from_elsewhere_begin_branches_too() -> None:
    shop = Choreography("shop", contracts=registry, functions=[daily, hourly, keep])

    with out.capture() as captured:
        out.print(choreography_tree(shop))

    assert captured.get() == (
        "shop\n"
        "├── rate(1 day)  a.daily\n"
        "│   └── Begun\n"
        "│       └── c.keep ×3\n"
        "├── rate(1 hour)  a.hourly\n"
        "│   └── Begun  (as above)\n"
        "└── Heard\n"
        "    └── c.keep ×3\n"
    )


@pytest.mark.parametrize(
    ("subscribers", "branches"),
    [([keep, count], ["├── d.count ×3", "└── as v1: c.keep ×3"]), ([keep], ["└── as v1: c.keep ×3"])],
)
def test_a_subscriber_of_an_older_version_that_is_published_too_is_below_the_newer_one(
    subscribers: list[AnyFunction], branches: list[str]
) -> None:
    shop = Choreography("shop", contracts=registry, functions=[counting, *subscribers])

    with out.capture() as captured:
        out.print(choreography_tree(shop))

    below = ["├── rate(1 day)  a.counting", "│   └── Begun v2", *(f"│       {branch}" for branch in branches)]
    assert captured.get().splitlines()[1 : 1 + len(below)] == below


def test_an_event_that_ends_a_flow_is_marked(recwarn: pytest.WarningsRecorder) -> None:
    for ends, mark in (([Begun], "end"), ([], "no consumer")):
        shop = Choreography("shop", contracts=registry, functions=[daily], ends=ends)

        with out.capture() as captured:
            out.print(choreography_tree(shop))

        assert captured.get().splitlines()[-1] == f"    └── Begun  {mark}"
    assert len(recwarn) == 1


@examples(25)
@given(choreographies())
def test_every_function_is_in_the_tree(choreography: Choreography) -> None:
    def labels(tree: Tree) -> Iterator[str]:
        yield str(tree.label)
        for child in tree.children:
            yield from labels(child)

    words = {word for label in labels(choreography_tree(choreography)) for word in label.split()}

    assert words >= choreography.functions.keys()
