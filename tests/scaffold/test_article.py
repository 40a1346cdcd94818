"""The article that this project grew from, replayed: its commands in order, its bodies in Python."""

from pathlib import Path

import pytest

from contradance.scaffold.fresh import create_project
from tests.forking import Forks
from tests.scaffold.project import Generated

ROUTE = "functions/orders/post_orders.py"
PAYMENT = "functions/payment/process_payment.py"
RESTAURANT = "functions/restaurant/confirm_order.py"
PARTNER = "functions/delivery_partner/assign_delivery_partner.py"
REVERSAL = "functions/payment/initiate_payment_reversal.py"
PACKAGE = "food_delivery_system_contracts"

TEST = """\
import pytest
from contradance.testing import Run, assert_choreography


@pytest.mark.choreography(settings={"refusal_rate": 0})
def test_an_order_is_paid_confirmed_and_brought(run: Run) -> None:
    answer = run.request("POST", "/orders", {"dish": "margherita"})
    run.drain()

    assert answer.status == 201
    assert answer.body["dish"] == "margherita"
    (flow,) = run.flows()
    assert (flow.events, flow.deliveries, flow.dead_letters) == (4, 8, 0)
    assert_choreography(run, "happy_path")


@pytest.mark.choreography(settings={"refusal_rate": 1})
def test_a_refused_order_is_paid_back(run: Run) -> None:
    run.request("POST", "/orders", {"dish": "margherita"})
    run.drain()

    (flow,) = run.flows()
    assert (flow.events, flow.deliveries, flow.dead_letters) == (4, 6, 0)
    assert_choreography(run, "error_path")
"""
"""What the finished system is held to: the article's two diagrams."""

HAPPY = """\
POST /orders  orders.post_orders
└─ OrderPlaced
   └─ payment.process_payment
      └─ PaymentSuccess
         └─ restaurant.confirm_order
            └─ RestaurantConfirmedOrder
               ├─ delivery_partner.assign_delivery_partner
               │  └─ DeliveryPartnerAssigned
               │     ├─ notification.notify_user
               │     └─ orders.update_order_status
               ├─ loyalty.add_loyalty_points
               ├─ notification.notify_user
               └─ orders.update_order_status
"""
ERROR = """\
POST /orders  orders.post_orders
└─ OrderPlaced
   └─ payment.process_payment
      └─ PaymentSuccess
         └─ restaurant.confirm_order
            └─ RestaurantOrderConfirmationFailed
               ├─ notification.notify_user
               ├─ orders.update_order_status
               └─ payment.initiate_payment_reversal
                  └─ PaymentReversed
                     └─ notification.notify_user
"""


def publishes(project: Generated, path: str, event: str, module: str) -> None:
    """Have a subscriber publish, as the article does: the event carries on what the order is."""
    project.edit(
        path,
        ("log = logging", f"from {PACKAGE}.{module} import {event}\n\nlog = logging"),
        (") -> None:", f") -> {event}:"),
    )
    text = project.read(path).rstrip()
    (project.root / path).write_text(f"{text}\n    return {event}(id=event.id)\n", encoding="utf-8")


@pytest.fixture(scope="module")
def article(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Generated:
    """Follow the article from its first line to its last."""
    project = Generated(create_project(tmp_path_factory.mktemp("article"), "food_delivery_system", empty=True), forks)

    def create(words: str) -> None:
        project.contradance("create", *words.split(), "--language", "js")

    # 1. Create an order in the Order microservice.
    create("route --name orders --path /orders --verb post")
    project.edit(
        ROUTE,
        (
            '    """The request of a client."""\n',
            '    """The request of a client."""\n\n    dish: str = Field(min_length=1, examples=["margherita"])\n',
        ),
        ("    id: UUID\n", "    id: UUID\n    dish: str\n"),
        ("(id=uuid4())", "(id=uuid4(), dish=request.dish)"),
        ("import BaseModel\n", "import BaseModel, Field\n"),
    )

    # 2. Process the order_placed event in the Payment microservice. Its publisher comes first in the article, which
    # names the topic before it exists; here the contract comes first, and is then published.
    create("topic --name order_placed --subscribers payment_service_process_payment")
    project.edit(
        ROUTE,
        ("import route\n", "import Reply, route\n"),
        ("\n\n\nclass PostOrders(", f"\n\nfrom {PACKAGE}.orders import OrderPlaced\n\n\nclass PostOrders("),
        ("-> PostOrdersAnswer:", "-> Reply[PostOrdersAnswer, OrderPlaced]:"),
        (
            "    return PostOrdersAnswer(id=uuid4(), dish=request.dish)",
            (
                "    order = PostOrdersAnswer(id=uuid4(), dish=request.dish)\n"
                "    return Reply(order, publishes=OrderPlaced(id=order.id))"
            ),
        ),
    )

    # 3. Process the payment_success event in the Restaurant microservice.
    create("topic --name payment_success --subscribers restaurant_service_confirm_order")
    publishes(project, PAYMENT, "PaymentSuccess", "payment")

    # 4. Process the restaurant_confirmed_order event in four microservices.
    create(
        "topic --name restaurant_confirmed_order --subscribers order_service_update_order_status "
        "notification_service_notify_user delivery_partner_service_assign_delivery_partner loyalty_service_add_loyalty_points"
    )
    publishes(project, RESTAURANT, "RestaurantConfirmedOrder", "restaurant")

    # 5. and 6. Publish the delivery_partner_assigned event, and process it.
    create(
        "topic --name delivery_partner_assigned "
        "--subscribers order_service_update_order_status notification_service_notify_user"
    )
    publishes(project, PARTNER, "DeliveryPartnerAssigned", "delivery_partner")

    # Handling errors. 3. and 4. Publish a restaurant_order_confirmation_failed upon failure; process it.
    create("topic --name restaurant_order_confirmation_failed")
    project.edit(
        RESTAURANT,
        ("import subscriber\n", "import Setting, subscriber\n"),
        ("import RestaurantConfirmedOrder\n", "import RestaurantConfirmedOrder, RestaurantOrderConfirmationFailed\n"),
        ("import logging\n", "import logging\nimport random\n"),
        (
            "@subscriber()",
            'refusal_rate = Setting("refusal_rate", float, default=0.5)\n\n\n@subscriber(uses=[refusal_rate])',
        ),
        ("-> RestaurantConfirmedOrder:", "-> RestaurantConfirmedOrder | RestaurantOrderConfirmationFailed:"),
        (
            "    return RestaurantConfirmedOrder(",
            (
                "    if random.random() < refusal_rate.get():  # noqa: S311 - the article's kitchen plays dice\n"
                "        return RestaurantOrderConfirmationFailed(id=event.id)\n"
                "    return RestaurantConfirmedOrder("
            ),
        ),
    )
    create(
        "topic --name restaurant_order_confirmation_failed --subscribers payment_service_initiate_payment_reversal "
        "notification_service_notify_user order_service_update_order_status"
    )

    # 5. and 6. Publish a payment_reversed event, and process it.
    create("topic --name payment_reversed --subscribers notification_service_notify_user")
    publishes(project, REVERSAL, "PaymentReversed", "payment")

    (project.root / "tests" / "test_order.py").write_text(TEST, encoding="utf-8")
    (project.root / "tests" / "choreographies").mkdir()
    (project.root / "tests" / "choreographies" / "happy_path.txt").write_text(HAPPY, encoding="utf-8")
    (project.root / "tests" / "choreographies" / "error_path.txt").write_text(ERROR, encoding="utf-8")
    project.checked("ruff", "check", "--select", "I", "--fix", "--no-cache")
    project.checked("ruff", "format", "--no-cache")
    return project


def test_it_passes_its_happy_and_its_error_path_and_every_check(article: Generated) -> None:
    article.check()


def test_nothing_of_it_is_left_unfinished(article: Generated) -> None:
    code, told = article.tried("lint")

    assert (code, told) == (0, "8 functions, 6 events, 0 findings\n")


def test_a_name_that_stands_under_several_topics_is_one_function(article: Generated) -> None:
    """The article has twelve subscribers under six topics; they are seven functions of six services."""
    handlers = [path.stem for path in Path(article.root).glob("functions/*/*.py") if path.stem != "__init__"]

    assert sorted(handlers) == [
        "add_loyalty_points",
        "assign_delivery_partner",
        "confirm_order",
        "initiate_payment_reversal",
        "notify_user",
        "post_orders",
        "process_payment",
        "update_order_status",
    ]
