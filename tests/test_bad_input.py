"""Bad input over HTTP: refused with its fields named, nothing published, nothing stored, and nothing personal repeated."""

import copy
import http.client
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from contradance.cli.narrator import Narrator
from contradance.cli.theme import Services
from contradance.envelope import seal
from contradance.local.laptop import Laptop
from contradance.local.web.server import Server
from food_contracts.orders import OrderPlaced
from tests.food import HAPPY, food
from tests.patience import LONG

NAME, EMAIL, STREET, TOKEN = "Zaphod-7141", "zaphod-7142@mail.example", "7143 Betelgeuse Row", "tok_zaphod_7144"
PERSONAL = ("aphod", "7141", "7142", "7143", "7144", "etelgeuse")
"""What no answer and no log line may hold of them."""
KEY = "key-7145-aphod"
PLACED_AT = datetime(2026, 1, 1, 18, tzinfo=UTC)
JSON = {"content-type": "application/json"}
NOT_VALID = "The request is not valid."


def order() -> dict[str, Any]:
    """Return an order that is right, by somebody whom one would recognise."""
    body: dict[str, Any] = copy.deepcopy(HAPPY)
    body["customer"] |= {"name": NAME, "email": EMAIL}
    body["delivery_address"]["street"] = STREET
    body["payment_token"] = TOKEN
    return body


def changed(*path: str | int, to: object) -> bytes:
    """Return the order as JSON with the value at `path` replaced, or added."""
    body = order()
    *way, last = path
    place: Any = body
    for step in way:
        place = place[step]
    place[last] = to
    return json.dumps(body).encode()


def spelled(old: str, new: str) -> bytes:
    """Return the order as JSON with a part of its text replaced."""
    text = json.dumps(order())
    assert text.count(old) >= 1
    return text.replace(old, new, 1).encode()


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


class World:
    """The system behind its port, and everything it says."""

    def __init__(self, laptop: Laptop, url: str, said: list[str], printed: pytest.CaptureFixture[str]) -> None:
        self.laptop = laptop
        self._address = urlsplit(url).netloc
        self._said = said
        self._printed = printed

    def ask(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] = JSON) -> tuple[int, Any]:
        """Return (status, JSON) of one request."""
        connection = http.client.HTTPConnection(self._address, timeout=LONG)
        connection.request(method, target, body, dict(headers))
        answer = connection.getresponse()
        status, text = answer.status, answer.read().decode()
        self._said.append(f"{answer.headers}\n{text}")
        connection.close()
        return status, json.loads(text)

    def said(self) -> str:
        """Return every answer, every log line and every line that `contradance run` would print."""
        self._said += self._printed.readouterr()
        return "\n".join(self._said)

    def rows(self) -> dict[str, int]:
        """Return how many rows each table has."""
        self.laptop.database.flush()
        tables = self.laptop.database.read("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name: self.count(name) for (name,) in tables}

    def count(self, table: str, where: str = "1") -> int:
        """Return how many rows of a table are as asked."""
        ((number,),) = self.laptop.database.read(f"SELECT count(*) FROM {table} WHERE {where}")  # noqa: S608 - ours
        return int(number)


class Listening(logging.Handler):
    """Keeps everything that is logged, with its traceback."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(logging.Formatter("%(name)s %(message)s").format(record))


@pytest.fixture
def said() -> Iterator[list[str]]:
    said: list[str] = []
    handler, before = Listening(said), []
    for name in ("", "contradance", "functions", "uvicorn", "asyncio"):
        logger = logging.getLogger(name)
        before.append((logger, logger.level))
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield said
    for logger, level in before:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def served(state: Path) -> Iterator[tuple[Laptop, str]]:
    """Serve the system as `contradance run` does."""
    with food(state) as system:
        narrator = Narrator(Services(system.laptop.choreography.services))
        with Server(system.laptop, 0, when_refused=narrator.refused).serving() as url:
            yield system.laptop, url


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Laptop, str]]:
    with served(tmp_path_factory.mktemp("state")) as laptop_and_url:
        yield laptop_and_url


@pytest.fixture
def world(shared: tuple[Laptop, str], said: list[str], capsys: pytest.CaptureFixture[str]) -> World:
    """Return a system that nothing has ever come of: its tests share it, and each sees that it is still so."""
    return World(*shared, said, capsys)


@pytest.fixture
def fresh(tmp_path: Path, said: list[str], capsys: pytest.CaptureFixture[str]) -> Iterator[World]:
    """Return a system of the test's own."""
    with served(tmp_path) as (laptop, url):
        yield World(laptop, url, said, capsys)


class Bad(NamedTuple):
    """One bad body, and what is said of it."""

    name: str
    body: bytes
    fields: tuple[str, ...] = ("body",)
    status: int = 422
    headers: Mapping[str, str] = JSON


LINE = ("lines", 0)
PRICE = (*LINE, "unit_price")
BAD = [
    Bad("empty", b"", headers={}),
    Bad("blank", b" \n"),
    Bad("not JSON", f"order {NAME}".encode()),
    Bad("cut off", json.dumps(order()).encode()[:-30]),
    Bad("JSON with more behind it", json.dumps(order()).encode() + TOKEN.encode()),
    Bad("single quotes", str(order()).encode()),
    Bad("null", b"null"),
    Bad("a list", json.dumps([order()]).encode()),
    Bad("a text", json.dumps(NAME).encode()),
    Bad("a number", b"7141"),
    Bad(
        "an empty object",
        b"{}",
        ("body.customer", "body.restaurant_id", "body.lines", "body.delivery_address", "body.payment_token"),
    ),
    Bad("a form", f"name={NAME}&street={STREET}".encode(), headers={"content-type": "application/x-www-form-urlencoded"}),
    Bad("a text for an object", changed("customer", to=NAME), ("body.customer",)),
    Bad("an object for a text", changed("payment_token", to={"token": TOKEN}), ("body.payment_token",)),
    Bad("a number for a text", changed("customer", "name", to=7141), ("body.customer.name",)),
    Bad("null for a text", changed("delivery_address", "street", to=None), ("body.delivery_address.street",)),
    Bad("a text for a number", changed(*LINE, "quantity", to="7141"), ("body.lines.0.quantity",)),
    Bad("a truth for a number", changed(*LINE, "quantity", to=True), ("body.lines.0.quantity",)),
    Bad("an object for a list", changed("lines", to={"0": STREET}), ("body.lines",)),
    Bad("an unknown field", changed("nickname", to=NAME), ("body.nickname",)),
    Bad("an unknown field deep inside", changed("customer", "phone", to="7141"), ("body.customer.phone",)),
    Bad("an id from the client", changed("order_id", to="6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c7141"), ("body.order_id",)),
    Bad("a total from the client", changed("total", to={"amount": 1, "currency": "EUR"}), ("body.total",)),
    Bad("a negative quantity", changed(*LINE, "quantity", to=-1), ("body.lines.0.quantity",)),
    Bad("a quantity of zero", changed(*LINE, "quantity", to=0), ("body.lines.0.quantity",)),
    Bad("a quantity without measure", changed(*LINE, "quantity", to=100), ("body.lines.0.quantity",)),
    Bad("no lines", changed("lines", to=[]), ("body.lines",)),
    Bad("too many lines", changed("lines", to=[*order()["lines"]] * 26), ("body.lines",)),
    Bad("a free dish", changed(*PRICE, "amount", to=0), ("body.lines.0.unit_price.amount",)),
    Bad("a negative price", changed(*PRICE, "amount", to=-950), ("body.lines.0.unit_price.amount",)),
    Bad("a float for money", changed(*PRICE, "amount", to=9.5), ("body.lines.0.unit_price.amount",)),
    Bad("a whole float for money", changed(*PRICE, "amount", to=950.0), ("body.lines.0.unit_price.amount",)),
    Bad("a text for money", changed(*PRICE, "amount", to="9.50"), ("body.lines.0.unit_price.amount",)),
    Bad("an exponent for money", spelled('"amount": 950', '"amount": 95e1'), ("body.lines.0.unit_price.amount",)),
    Bad("an unknown currency", changed(*PRICE, "currency", to="XAU"), ("body.lines.0.unit_price.currency",)),
    Bad("a currency in small letters", changed(*PRICE, "currency", to="eur"), ("body.lines.0.unit_price.currency",)),
    Bad("two currencies", changed(*PRICE, "currency", to="USD"), ()),
    Bad("more money than there is", changed(*PRICE, "amount", to=100_000_000), ()),
    Bad("a huge number", changed(*PRICE, "amount", to=10**30), ("body.lines.0.unit_price.amount",)),
    Bad("a huge exponent", spelled('"quantity": 2', '"quantity": 1e999'), ("body.lines.0.quantity",)),
    Bad("a number of 5,000 digits", spelled('"quantity": 2', '"quantity": ' + "7" * 5_000)),
    Bad("NaN", spelled('"quantity": 2', '"quantity": NaN'), ("body.lines.0.quantity",)),
    Bad("Infinity", spelled('"amount": 950', '"amount": Infinity'), ("body.lines.0.unit_price.amount",)),
    Bad("minus Infinity", spelled('"amount": 950', '"amount": -Infinity'), ("body.lines.0.unit_price.amount",)),
    Bad("a key twice", spelled('"payment_token"', f'"payment_token": "{TOKEN}", "payment_token"')),
    Bad("a key twice deep inside", spelled('"quantity": 2', '"quantity": 2, "quantity": 1')),
    Bad("a key twice in two spellings", spelled('"quantity": 2', '"quantity": 2, "\\u0071uantity": 1')),
    Bad("10,000 levels of lists", nested(10_000).encode()),
    Bad("10,000 levels of objects", b'{"customer":' * 10_000 + b"1" + b"}" * 10_000),
    Bad("10,000 levels where a field is", spelled(f'"{TOKEN}"', nested(10_000))),
    Bad("10,000 levels in an unknown field", spelled('"payment_token"', f'"more": {nested(10_000)}, "payment_token"')),
    Bad("invalid UTF-8", json.dumps(order()).encode().replace(b"Zaphod", b"Z\xc3\x28phod")),
    Bad("bytes that are no text", b"\xff\xfe\x00\x01" + TOKEN.encode()),
    Bad("UTF-16", json.dumps(order()).encode("utf-16")),
    Bad("half a surrogate pair", spelled(NAME, r"\ud800 7141")),
    Bad("a NUL byte", json.dumps(order()).encode().replace(b"Zaphod", b"Z\x00phod")),
    Bad("nothing but NUL", b"\x00" * 100),
    Bad("an address that is no mail address", changed("customer", "email", to=NAME), ("body.customer.email",)),
    Bad("a name without end", changed("customer", "name", to=NAME * 100), ("body.customer.name",)),
    Bad("a handle that is a path", changed("restaurant_id", to="../7141"), ("body.restaurant_id",)),
    Bad("a body of 2 MB", json.dumps(order()).encode() + b" " * 2_000_000, (), 413),
    Bad("2 MB in a field", changed("payment_token", to=TOKEN * 140_000), (), 413),
    Bad("XML", f"<order>{NAME}</order>".encode(), (), 415, {"content-type": "application/xml"}),
    Bad("JSON that is said to be text", json.dumps(order()).encode(), (), 415, {"content-type": "text/plain"}),
    Bad("JSON that is said to be a form of parts", json.dumps(order()).encode(), (), 415, {"content-type": "multipart/x"}),
]  # fmt: skip


def assert_nothing_came_of_it(world: World) -> None:
    assert set(world.rows().values()) == {0}


def assert_nothing_personal_was_said(said: str) -> None:
    """Look for each part, but not inside an id, whose digits are random."""
    assert [part for part in PERSONAL if re.search(rf"(?<![0-9a-f]){part}(?![0-9a-f])", said)] == []


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
@pytest.mark.parametrize("key", [{}, {"idempotency-key": KEY}], ids=["", "with a key"])
def test_a_bad_order_is_refused_by_field_and_leaves_nothing(world: World, bad: Bad, key: dict[str, str]) -> None:
    status, answer = world.ask("POST", "/orders", bad.body, {**bad.headers, **key})

    assert status == bad.status
    assert [error["field"] for error in answer.get("errors", [])] == [*bad.fields]
    assert answer["message"] == NOT_VALID if bad.fields else answer["message"]
    assert {*answer} == ({"message", "errors"} if bad.fields else {"message"})
    assert_nothing_came_of_it(world)
    assert_nothing_personal_was_said(world.said())


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ("/orders/7141", "path.order_id"),
        ("/orders/%00", "path.order_id"),
        ("/orders/%FF%FE", "path.order_id"),
        ("/orders/" + "7141" * 1_000, "path.order_id"),
        ("/orders?limit=0", "query.limit"),
        ("/orders?limit=7141", "query.limit"),
        ("/orders?limit=NaN", "query.limit"),
        ("/orders?limit=" + "9" * 5_000, "query.limit"),
        ("/orders?limit=1&limit=2", "query.limit"),
        ("/orders?after=etelgeuse", "query.after"),
        ("/orders?after=%00", "query.after"),
    ],
    ids=lambda value: value[:30],
)
def test_a_bad_path_or_query_is_refused_by_field(world: World, target: str, field: str) -> None:
    status, answer = world.ask("GET", target)

    assert (status, answer["message"]) == (422, NOT_VALID)
    assert [error["field"] for error in answer["errors"]] == [field]
    assert_nothing_came_of_it(world)
    assert_nothing_personal_was_said("\n".join(map(str, answer["errors"])))


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_that_is_no_key_is_refused(world: World, key: str) -> None:
    status, answer = world.ask("POST", "/orders", json.dumps(order()).encode(), {**JSON, "idempotency-key": key})

    assert (status, [error["field"] for error in answer["errors"]]) == (422, ["headers.idempotency-key"])
    assert_nothing_came_of_it(world)
    assert_nothing_personal_was_said(world.said())


@pytest.mark.parametrize(
    "headers",
    [{}, JSON, {"content-type": "application/json; charset=utf-8"}, {"content-type": "APPLICATION/Order+JSON"}],
    ids=str,
)
def test_the_order_that_all_of_these_are_made_of_is_right(fresh: World, headers: dict[str, str]) -> None:
    status, answer = fresh.ask("POST", "/orders", json.dumps(order()).encode(), headers)

    rows = fresh.rows()
    assert (status, answer["customer"]["name"]) == (201, NAME)
    assert (rows["event"], rows["item"]) == (1, 1)


def test_after_all_of_them_the_system_serves_as_before(fresh: World) -> None:
    for bad in BAD:
        fresh.ask("POST", "/orders", bad.body, bad.headers)

    status, _ = fresh.ask("POST", "/orders", json.dumps(order()).encode())

    assert (status, fresh.rows()["event"]) == (201, 1)


def test_a_key_that_a_bad_order_used_is_free_for_a_good_one(fresh: World) -> None:
    key = {**JSON, "idempotency-key": KEY}

    bad, _ = fresh.ask("POST", "/orders", changed("order_id", to="7141"), key)
    good, _ = fresh.ask("POST", "/orders", json.dumps(order()).encode(), key)

    assert (bad, good) == (422, 201)


def placed() -> dict[str, str]:
    """Return the PutEvents entry of an order, as another program may send it."""
    event = OrderPlaced.model_validate(
        {**order(), "order_id": UUID(int=1), "total": {"amount": 2450, "currency": "EUR"}, "placed_at": PLACED_AT}
    )
    sealed = seal(event, event_id="1", occurred_at=PLACED_AT, correlation_id="1", publisher="elsewhere.program")
    return dict(sealed.entry("food-delivery"))


@pytest.mark.parametrize(
    ("change", "charged"),
    [
        (lambda detail: detail, 1),
        (lambda detail: detail.replace('"quantity":2', '"quantity":-2'), 0),
        (lambda detail: detail.replace('"quantity":2', '"quantity":NaN'), 0),
        (lambda detail: detail.replace('"amount":2450', '"amount":24.5'), 0),
        (lambda detail: detail[:-1], 0),
        (lambda detail: nested(10_000), 0),
    ],
    ids=["right", "negative", "NaN", "float", "cut off", "deep"],
)
def test_a_bad_event_from_another_program_charges_nobody(
    fresh: World, change: Callable[[str], str], charged: int
) -> None:
    entry = placed()
    entry["Detail"] = change(entry["Detail"])

    fresh.ask("POST", "/", json.dumps({"Entries": [entry]}).encode(), {"x-amz-target": "AWSEvents.PutEvents"})
    fresh.laptop.drain()

    assert fresh.count("item", "table_name LIKE '%charges'") == charged
    assert_nothing_personal_was_said(fresh.said())
