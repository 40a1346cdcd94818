"""Every kind of field that Pydantic documents, and what a contract and a table do with it: one table.

`tests/wire/` runs each kind through everything that handles an event's data, and `docs/reference/contract-types.md` is made of it.
"""

# ruff: noqa: DTZ001, FBT003 - values of every kind, naive moments and booleans included
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import (
    Callable,
    Collection,
    Generator,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import pydantic
from annotated_types import Len, MultipleOf
from pydantic import Field, StringConstraints

from tests.wire import shapes as s

ID: Final = UUID("6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11")
BERLIN: Final = ZoneInfo("Europe/Berlin")
NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
TWICE: Final = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1)
"""A moment in the hour that Berlin repeats."""


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of field.

    Args:
        name: as the page shows it.
        type: the annotation.
        values: valid values; each must arrive equal.
        lost: valid values that publish refuses: their JSON does not read back equal.
        refused: a part of the message with which a contract that has such a field is refused; empty where it is not.
        table: the same, for a table; None where the table does as the contract does.
        note: what a reader of the page should know.
    """

    name: str
    type: Any
    values: tuple[Any, ...] = ()
    lost: tuple[Any, ...] = ()
    refused: str = ""
    table: str | None = None
    note: str = ""


def _uuid(version: int) -> UUID:
    return UUID(f"6f1c1a3e-58d6-{version}b0c-9d0e-0f6a4b6c2a11")


def _held(name: str, type_: Any, *values: Any, lost: tuple[Any, ...] = (), note: str = "") -> Kind:
    return Kind(name, type_, values, lost, note=note)


def _refused(name: str, type_: Any, refused: str, *values: Any, table: str | None = None, note: str = "") -> Kind:
    return Kind(name, type_, values, refused=refused, table=table, note=note)


STANDARD: Final = (
    _held("bool", bool, True, False),
    _held("int", int, 0, -1, 2**63 - 1, -(2**63), note="EventBridge refuses more than 64 bits."),
    _held("float", float, 0.1, -0.0, 1e300, 5.0, 7),
    _held("str", str, "", "é\u2028\x00", "1.0", lost=("\ud800",), note="Half of a surrogate pair has no UTF-8."),
    _held(
        "bytes",
        bytes,
        b"",
        b"abc",
        lost=(b"\xff",),
        note="Bytes that are UTF-8; for others use `Base64Bytes`, or `ser_json_bytes` with `val_json_bytes`.",
    ),
    _held("None", None, None),
    _held("Decimal", Decimal, Decimal("0.10"), Decimal("1E+3"), Decimal(10) ** 30),
    _held("complex", complex, 1 + 2j, -1j),
    _held("Fraction", Fraction, Fraction(1, 3)),
    _held("date", date, date(2026, 1, 31)),
    _held(
        "datetime",
        datetime,
        NOON,
        datetime(2026, 1, 31, 12, 0, 0, 5),
        TWICE,
        datetime(1880, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        lost=(datetime(1880, 1, 1, tzinfo=BERLIN),),
        note="Aware moments arrive as the same instant, with a fixed offset of whole minutes.",
    ),
    _held(
        "time",
        time,
        time(12, 30),
        time(12, 30, 0, 7, tzinfo=UTC),
        lost=(time(12, tzinfo=BERLIN),),
        note="A zone without a fixed offset is refused when published.",
    ),
    _held("timedelta", timedelta, timedelta(days=-1, microseconds=1), timedelta(weeks=9), timedelta(0)),
    _held("UUID", UUID, ID),
    _held("Path", Path, Path("a/b"), Path("/")),
    _held("PurePosixPath", PurePosixPath, PurePosixPath("a/b")),
    _held(
        "re.Pattern[str]",
        re.Pattern[str],
        re.compile("a+"),
        lost=(re.compile("a", re.IGNORECASE),),
        note="Without flags.",
    ),
    _held("ZoneInfo", ZoneInfo, BERLIN),
    _held("IPv4Address", IPv4Address, IPv4Address("10.0.0.1")),
    _held("IPv4Interface", IPv4Interface, IPv4Interface("10.0.0.1/8")),
    _held("IPv4Network", IPv4Network, IPv4Network("10.0.0.0/8")),
    _held("IPv6Address", IPv6Address, IPv6Address("::1")),
    _held("IPv6Interface", IPv6Interface, IPv6Interface("::1/64")),
    _held("IPv6Network", IPv6Network, IPv6Network("fe80::/64")),
    _held("Enum", s.Colour, s.Colour.RED),
    _held("IntEnum", s.Level, s.Level.HIGH),
    _held("StrEnum", s.Shade, s.Shade.DARK),
    _held("Enum of several types", s.Mixed, s.Mixed.ONE, s.Mixed.TWO),
    _held("Flag", s.Access, s.Access.READ, s.Access.READ | s.Access.WRITE),
    _held("IntFlag", s.Bits, s.Bits.A, s.Bits.A | s.Bits.B, s.Bits(8)),
    _held('Literal["a", "b"]', Literal["a", "b"], "a", "b"),
    _held('Literal[1, "x"] | None', Literal[1, "x"] | None, 1, "x", None),
    _refused("Literal[Colour.RED]", Literal[s.Colour.RED], "whose JSON is not read back", s.Colour.RED),
    _held("Literal[Shade.DARK]", Literal[s.Shade.DARK], s.Shade.DARK),
    _held("NewType", s.LoanId, 5),
    _held(
        "Any",
        Any,
        1,
        "x",
        None,
        [1, {"a": None}],
        lost=(ID, Decimal(1)),
        note="Holds what JSON has; other values are refused when published.",
    ),
    _held("object", object, 1, "x", None),
    _refused("Hashable", Hashable, "has no JSON form", 1, "x"),
    _refused("EllipsisType", type(...), "which has no JSON", ...),
)
CONTAINERS: Final = (
    _held("list[int]", list[int], [], [1, 2]),
    _held("list", list, [1, "x"], lost=([ID],)),
    _held("tuple[int, ...]", tuple[int, ...], (), (1, 2)),
    _held("tuple[int, str]", tuple[int, str], (1, "x")),
    _held("tuple", tuple, (1, "x")),
    _held("set[int]", set[int], set(), {3, 1}),
    _held("set[float]", set[float], {0.5, 1.0}),
    _held("set[AwareDatetime]", set[pydantic.AwareDatetime], {NOON, TWICE}),
    _held("frozenset[str]", frozenset[str], frozenset("ab")),
    _held("frozenset[Value]", frozenset[s.Point], frozenset({s.Point(x=1), s.Point(x=2)})),
    _held("deque[int]", deque[int], deque([1, 2])),
    _held(
        "deque[int] of a length", Annotated[deque[int], Field(max_length=3)], deque([1, 2]), lost=(deque([1, 2], 3),)
    ),
    _held("dict[str, int]", dict[str, int], {}, {"a": 1, "": 2}),
    _held("dict", dict, {"a": [1]}, lost=({1: 2},)),
    _held("dict[int, str]", dict[int, str], {1: "a", -2: "b"}),
    _held("dict[bool, int]", dict[bool, int], {True: 1, False: 2}),
    _held("dict[float, int]", dict[float, int], {0.5: 1, 1e300: 2}),
    _held("dict[UUID, int]", dict[UUID, int], {ID: 1}),
    _held("dict[date, int]", dict[date, int], {date(2026, 1, 31): 1}),
    _held("dict[datetime, int]", dict[datetime, int], {NOON: 1, TWICE: 2}),
    _held("dict[timedelta, int]", dict[timedelta, int], {timedelta(hours=1): 1}),
    _held("dict[Decimal, int]", dict[Decimal, int], {Decimal("0.10"): 1}),
    _held("dict[Enum, int]", dict[s.Colour, int], {s.Colour.RED: 1}),
    _held("dict[IntEnum, int]", dict[s.Level, int], {s.Level.HIGH: 1}),
    _held("dict[StrEnum, int]", dict[s.Shade, int], {s.Shade.DARK: 1}),
    _held("dict[Literal, int]", dict[Literal["a", "b"], int], {"a": 1}),
    _refused("dict[Literal of numbers, int]", dict[Literal[1, 2], int], "has keys that cannot be read back", {1: 1}),
    _held("dict[bytes, int]", dict[bytes, int], {b"a": 1}),
    _held("dict[IPv4Address, int]", dict[IPv4Address, int], {IPv4Address("10.0.0.1"): 1}),
    _refused(
        "dict[tuple[int, int], int]", dict[tuple[int, int], int], "has keys that cannot be read back", {(1, 2): 1}
    ),
    _refused(
        "dict[Enum of several types, int]", dict[s.Mixed, int], "has keys that cannot be read back", {s.Mixed.TWO: 1}
    ),
    _refused("dict[Flag, int]", dict[s.Access, int], "has keys that cannot be read back", {s.Access.READ: 1}),
    _held("dict[IntFlag, int]", dict[s.Bits, int], {s.Bits.A: 1}),
    _refused(
        "dict[frozenset[int], int]", dict[frozenset[int], int], "has keys that cannot be read back", {frozenset([1]): 1}
    ),
    _refused("dict[Value, int]", dict[s.Point, int], "has keys that cannot be read back", {s.Point(x=1): 1}),
    _held("dict[HttpUrl, int]", dict[pydantic.HttpUrl, int], {pydantic.HttpUrl("https://example.com"): 1}),
    _held("dict[Any, int]", dict[Any, int], {"a": 1}, lost=({1: 1},)),
    _refused("dict[None, int]", dict[None, int], "has keys that cannot be read back", {None: 1}),
    _held("dict[str | None, int]", dict[str | None, int], {"a": 1}, lost=({None: 1},)),
    _held("dict[int | str, int]", dict[int | str, int], {"a": 1}, lost=({1: 1},)),
    _held("dict[str, dict[str, Value]]", dict[str, dict[str, s.Point]], {"a": {"b": s.Point(x=1)}}),
    _held("defaultdict[str, list[int]]", defaultdict[str, list[int]], defaultdict(list, {"a": [1]})),
    _refused("dict[SecretStr, int]", dict[pydantic.SecretStr, int], "is a secret", {"x": 1}),
    _refused(
        "dict[FutureDate, int]",
        dict[pydantic.FutureDate, int],
        "is in the future only for a while",
        {date(2999, 1, 1): 1},
    ),
    _held("OrderedDict[IntEnum, int]", OrderedDict[s.Level, int], OrderedDict({s.Level.HIGH: 2, s.Level.LOW: 1})),
    _refused(
        "OrderedDict[tuple[int, int], int]",
        OrderedDict[tuple[int, int], int],
        "has keys that cannot be read back",
        OrderedDict({(1, 2): 1}),
    ),
    _held("Counter[int]", Counter[int], Counter([1, 1, 2])),
    _held("OrderedDict[str, int]", OrderedDict[str, int], OrderedDict(b=1, a=2)),
    _held("Counter[str]", Counter[str], Counter("aab")),
    _held("Mapping[str, int]", Mapping[str, int], {"a": 1}),
    _held("MutableMapping[str, int]", MutableMapping[str, int], {"a": 1}),
    _held("Sequence[int]", Sequence[int], [1], (1, 2), lost=(deque([1]),)),
    _held("Set[int]", AbstractSet[int], {1}),
    _refused("Collection[int]", Collection[int], "Unable to generate", [1]),
    _refused("Iterable[int]", Iterable[int], "is an iterator", [1]),
    _refused("Iterator[int]", Iterator[int], "Unable to generate", [1]),
    _refused("Generator[int]", Generator[int, None, None], "is an iterator", [1]),
    _held("list[OnErrorOmit[int]]", list[pydantic.OnErrorOmit[int]], [1, 2]),
    _held("Annotated[list[int], FailFast()]", Annotated[list[int], pydantic.FailFast()], [1]),
)
CONSTRAINED: Final = (
    _held("PositiveInt", pydantic.PositiveInt, 1),
    _held("NegativeInt", pydantic.NegativeInt, -1),
    _held("NonNegativeInt", pydantic.NonNegativeInt, 0),
    _held("NonPositiveInt", pydantic.NonPositiveInt, 0),
    _held("PositiveFloat", pydantic.PositiveFloat, 0.5),
    _held("NegativeFloat", pydantic.NegativeFloat, -0.5),
    _held("NonNegativeFloat", pydantic.NonNegativeFloat, 0.0),
    _held("NonPositiveFloat", pydantic.NonPositiveFloat, 0.0),
    _held("FiniteFloat", pydantic.FiniteFloat, 0.5),
    _held("StrictInt", pydantic.StrictInt, 1),
    _held("StrictFloat", pydantic.StrictFloat, 1.0, 0.5),
    _held("StrictBool", pydantic.StrictBool, True),
    _held("StrictStr", pydantic.StrictStr, "x"),
    _held("StrictBytes", pydantic.StrictBytes, b"x"),
    _held("Annotated[UUID, Strict()]", Annotated[UUID, pydantic.Strict()], ID),
    _held("Annotated[datetime, Strict()]", Annotated[datetime, pydantic.Strict()], NOON),
    _held("Annotated[tuple[int, ...], Strict()]", Annotated[tuple[int, ...], pydantic.Strict()], (1,)),
    _held("Annotated[Enum, Strict()]", Annotated[s.Colour, pydantic.Strict()], s.Colour.RED),
    _held("Annotated[Decimal, Strict()]", Annotated[Decimal, pydantic.Strict()], Decimal("0.10")),
    _held("Annotated[int, MultipleOf(5)]", Annotated[int, MultipleOf(5)], 10),
    _held(
        "Annotated[float, Field(allow_inf_nan=True)]",
        Annotated[float, Field(allow_inf_nan=True)],
        0.5,
        lost=(float("inf"), float("nan")),
    ),
    _held(
        "Annotated[Decimal, Field(max_digits, decimal_places)]",
        Annotated[Decimal, Field(max_digits=5, decimal_places=2)],
        Decimal("123.45"),
    ),
    _held(
        "Annotated[Decimal, Field(allow_inf_nan=True)]",
        Annotated[Decimal, Field(allow_inf_nan=True)],
        Decimal("NaN"),
        Decimal("Infinity"),
    ),
    _held("Annotated[str, Field(pattern)]", Annotated[str, Field(pattern="^[A-Z]{3}$")], "EUR"),
    _held(
        "Annotated[str, StringConstraints(...)]",
        Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1)],
        " Ada ",
    ),
    _held("Annotated[str, StringConstraints(to_upper)]", Annotated[str, StringConstraints(to_upper=True)], "straße"),
    _held("Annotated[list[int], Len(1, 3)]", Annotated[list[int], Len(1, 3)], [1]),
    _held("Annotated[date, Field(ge)]", Annotated[date, Field(ge=date(2020, 1, 1))], date(2026, 1, 31)),
    _held("Annotated[timedelta, Field(gt)]", Annotated[timedelta, Field(gt=timedelta(0))], timedelta(1)),
    _held("PastDate", pydantic.PastDate, date(2020, 1, 1)),
    _held("PastDatetime", pydantic.PastDatetime, datetime(2020, 1, 1, tzinfo=UTC)),
    _refused("FutureDate", pydantic.FutureDate, "is in the future only for a while", date(2999, 1, 1)),
    _refused(
        "FutureDatetime", pydantic.FutureDatetime, "is in the future only for a while", datetime(2999, 1, 1, tzinfo=UTC)
    ),
    _held("AwareDatetime", pydantic.AwareDatetime, NOON, TWICE, datetime(2026, 1, 31, 12, tzinfo=BERLIN)),
    _held("NaiveDatetime", pydantic.NaiveDatetime, datetime(2026, 1, 31, 12)),
    *(
        _held(f"UUID{version}", getattr(pydantic, f"UUID{version}"), _uuid(version))
        for version in (1, 3, 4, 5, 6, 7, 8)
    ),
    _held("ByteSize", pydantic.ByteSize, "1MB"),
    _held("Base64Bytes", pydantic.Base64Bytes, b"aGVsbG8="),
    _held("Base64Str", pydantic.Base64Str, "aGVsbG8="),
    _held("Base64UrlBytes", pydantic.Base64UrlBytes, b"aGVsbG8="),
    _held("Base64UrlStr", pydantic.Base64UrlStr, "aGVsbG8="),
)
NETWORK: Final = (
    _held("AnyUrl", pydantic.AnyUrl, "https://example.com/a?b=c"),
    _held("AnyHttpUrl", pydantic.AnyHttpUrl, "http://example.com"),
    _held("HttpUrl", pydantic.HttpUrl, "https://müller.example/ü"),
    _held("AnyWebsocketUrl", pydantic.AnyWebsocketUrl, "ws://example.com"),
    _held("WebsocketUrl", pydantic.WebsocketUrl, "wss://example.com"),
    _held("FileUrl", pydantic.FileUrl, "file:///a/b"),
    _held("FtpUrl", pydantic.FtpUrl, "ftp://example.com"),
    _held("PostgresDsn", pydantic.PostgresDsn, "postgres://user:pass@localhost:5432/db", "postgres://a:b@h1:1,h2:2/db"),
    _held("CockroachDsn", pydantic.CockroachDsn, "cockroachdb://user:pass@localhost:26257/db"),
    _held("AmqpDsn", pydantic.AmqpDsn, "amqp://user:pass@localhost:5672/"),
    _held("RedisDsn", pydantic.RedisDsn, "redis://localhost:6379/0"),
    _held("MongoDsn", pydantic.MongoDsn, "mongodb://localhost:27017/db"),
    _held("KafkaDsn", pydantic.KafkaDsn, "kafka://localhost:9092"),
    _held("NatsDsn", pydantic.NatsDsn, "nats://localhost:4222"),
    _held("MySQLDsn", pydantic.MySQLDsn, "mysql://user:pass@localhost:3306/db"),
    _held("MariaDBDsn", pydantic.MariaDBDsn, "mariadb://user:pass@localhost:3306/db"),
    _held("ClickHouseDsn", pydantic.ClickHouseDsn, "clickhouse+native://user:pass@localhost:9000/db"),
    _held("SnowflakeDsn", pydantic.SnowflakeDsn, "snowflake://user:pass@account/db"),
    _held("IPvAnyAddress", pydantic.IPvAnyAddress, IPv4Address("10.0.0.1"), IPv6Address("::1")),
    _held("IPvAnyInterface", pydantic.IPvAnyInterface, IPv4Interface("10.0.0.1/8")),
    _held("IPvAnyNetwork", pydantic.IPvAnyNetwork, IPv6Network("fe80::/64")),
)
UNIONS: Final = (
    _held("int | None", int | None, 1, None),
    _held("int | str", int | str, 1, "1"),
    _held("int | float", int | float, 1, 1.0, 0.5),
    _held("bool | int", bool | int, True, 1),
    _held("str | bool | None", str | bool | None, "x", True, None),
    _held("Decimal | int", Decimal | int, 1, Decimal(1)),
    _held("UUID | str", UUID | str, ID, "x", lost=(str(ID),)),
    _held("str | UUID", str | UUID, "x", ID, lost=(str(ID),)),
    _held("UUID | int", UUID | int, ID, 1),
    _held("date | datetime", date | datetime, NOON, date(2026, 1, 31)),
    _held("date | str", date | str, date(2026, 1, 31), "x", lost=("2026-01-31",)),
    _held("Enum | str", s.Colour | str, "x", lost=(s.Colour.RED,)),
    _held("IntEnum | int", s.Level | int, 1, lost=(s.Level.HIGH,)),
    _held("bytes | str", bytes | str, b"x", lost=("x",)),
    _held("Literal | int", Literal["none"] | int, "none", 1),
    _held("list[int] | tuple[int, ...]", list[int] | tuple[int, ...], [1], (1,)),
    _held("list[int] | set[int]", list[int] | set[int], [1], lost=({1},)),
    _held("list[int] | int", list[int] | int, [1], 1),
    _refused(
        "dict[str, int] | Value",
        dict[str, int] | s.Point,
        "which differ only in fields that a consumer ignores",
        {"a": 1},
    ),
    _held("int | str, left to right", Annotated[int | str, Field(union_mode="left_to_right")], 1, "x"),
    _held("Value | None", s.Point | None, s.Point(x=1), None),
    _held("Value | str", s.Point | str, s.Point(x=1), "x"),
    _held("union told apart by a discriminator", s.TaggedPet, s.Cat(lives=9), s.Dog(tricks=1)),
    _held("union told apart by a callable discriminator", s.CallablePet, s.Cat(lives=9), s.Dog(tricks=1)),
    _held("union told apart by a literal", s.Cat | s.Dog, s.Cat(lives=9), s.Dog(tricks=1)),
    _held("union told apart by required fields", s.Circle | s.Square, s.Circle(radius=1), s.Square(side=1)),
    _refused(
        "union that only unknown fields tell apart",
        s.NoteA | s.NoteB,
        "which differ only in fields that a consumer ignores",
        s.NoteA(n=1),
        s.NoteB(n=1, why="late"),
    ),
    _refused(
        "the same, left to right",
        s.LeftToRightNotes,
        "which differ only in fields that a consumer ignores",
        s.NoteA(n=1),
        s.NoteB(n=1, why="late"),
    ),
    _held("list[Value] | list[Value]", list[s.NoteA] | list[s.NoteB], [s.NoteA(n=1)], [s.NoteB(n=1, why="late")]),
    *(
        _refused(
            f"{name}, left to right", Annotated[union, Field(union_mode="left_to_right")], "which differ only", *values
        )
        for name, union, *values in (
            ("list[Value] | list[Value]", list[s.NoteA] | list[s.NoteB], [s.NoteB(n=1, why="late")]),
            ("dict[str, Value] | dict[str, Value]", dict[str, s.NoteA] | dict[str, s.NoteB], {"a": s.NoteB(n=1)}),
            (
                "Value of Values",
                s.Pair[s.NoteA] | s.Pair[s.NoteB],
                s.Pair[s.NoteB](first=s.NoteB(n=1), second=s.NoteB(n=2)),
            ),
            ("Value and a union within a union", (s.NoteA | int) | list[s.NoteB] | list[s.NoteA], [s.NoteB(n=1)]),
        )
    ),
    _held("list of a discriminated union", list[s.TaggedPet], [s.Cat(lives=9), s.Dog(tricks=1)]),
    _held(
        "generic Value | generic Value",
        s.Pair[int] | s.Pair[str],
        s.Pair[int](first=1, second=2),
        s.Pair[str](first="a", second="b"),
    ),
)
MODELS: Final = (
    _held("Value", s.Point, s.Point(x=1)),
    _held("recursive Value", s.Tree, s.Tree(name="a", children=(s.Tree(name="b"),))),
    _held("generic Value", s.Pair[datetime], s.Pair[datetime](first=NOON, second=TWICE)),
    _held("Value with personal data", s.Marked, s.Marked(name="Ada", age=9)),
    _held("Value with camelCase aliases", s.Camel, s.Camel(first_name="Ada", home_town="x")),
    _held("Value with one alias", s.Aliased, s.Aliased(loanId="x")),
    _held("Value with computed fields", s.WithComputed, s.WithComputed(width=2, height=3)),
    _held("Value with strict=True", s.Strictly, s.Strictly(at=NOON, colours=(s.Colour.RED,))),
    _held("Value with a model validator", s.Interval, s.Interval(low=1, high=2)),
    _held("Value whose before-validator refuses its own JSON", s.Either, lost=({"start": 1, "end": 3},)),
    _held("Value with a field validator", s.Validated, s.Validated(code="ab")),
    _held("Value with a lossy field serializer", s.Rounded, s.Rounded(ratio=0.5), lost=(s.Rounded(ratio=0.55),)),
    _held("Value with a model serializer", s.Packed, s.Packed(x=1, y=2)),
    _held("Value whose `__eq__` is always true", s.Always, s.Always(n=0), lost=(s.Always(n=1),)),
    _held("Value whose `__eq__` is never true", s.Never, s.Never(n=1)),
    _held("Value with str_strip_whitespace", s.Trimmed, s.Trimmed(name=" Ada ")),
    _held(
        "Value with base64 bytes",
        s.Encoded,
        s.Encoded(data=b"\xff"),
        note="Set `ser_json_bytes` and `val_json_bytes` alike.",
    ),
    _held("Value with base64 bytes one way", s.HalfEncoded, lost=(s.HalfEncoded(data=b"\xff"),)),
    _held("Value with use_enum_values", s.EnumValues, s.EnumValues(colour=s.Colour.RED)),
    _held("list[Value]", list[s.Point], [s.Point(x=1), s.Point(x=2, y=3)]),
    _held("dict[str, Value]", dict[str, s.Point], {"a": s.Point(x=1)}),
    _held("Value within a union within a list", list[s.Point | int], [s.Point(x=1), 2]),
    _held("SerializeAsAny[Value]", pydantic.SerializeAsAny[s.Point], s.Point(x=1)),
    _refused("RootModel", s.Numbers, "which is not a Value", s.Numbers([1]), table=""),
    _refused("BaseModel", s.Plain, "which is not a Value", s.Plain(x=1), table=""),
    _refused("BaseModel with extra=allow", s.Open, "which is not a Value", s.Open(x=1), table=""),
    _refused("dataclass", s.Stamp, "which is not a Value", s.Stamp(1, NOON), table=""),
    _refused("Pydantic dataclass", s.CheckedStamp, "which is not a Value", s.CheckedStamp(1), table=""),
    _refused("NamedTuple", s.Coordinates, "which is not a Value", s.Coordinates(1.0, 2.0), table=""),
    _refused("TypedDict", s.Movie, "which is not a Value", {"title": "x", "year": 1}, table=""),
    _held("TypeAliasType", s.Names, ["a"]),
    _held("recursive TypeAliasType", s.Nested, [1, [2, []]]),
)
CUSTOM: Final = (
    _held("BeforeValidator that is not idempotent", s.Cents, lost=(9.5,)),
    _held("AfterValidator", s.Upper, "ab"),
    _held("BeforeValidator with a PlainSerializer", s.CommaList, ("a", "b"), lost=((),)),
    _held("PlainValidator", s.Even, 5),
    _held("WrapValidator", s.Lower, "AB"),
    _held("WrapSerializer", s.Wrapped, 5),
    _held("validator and serializer that agree", s.Hex, 255),
    _held("serializer that loses something", s.OneDecimal, 0.5, lost=(0.55,)),
    _held("serializer without a return type", s.Quoted, 5),
    _held("serializer that drops the places of a Decimal", s.AsFloat, Decimal("1.1"), lost=(Decimal("1.10"),)),
    _held("serializer that masks", s.Masked, lost=("secret",)),
    _held("custom type with __eq__", s.Celsius, s.Celsius(1.5)),
    _held("custom type without __eq__", s.Opaque, s.Opaque(1.5)),
    _held("custom type without a JSON Schema", s.Unschemed, s.Unschemed("x")),
    _held("custom type whose JSON is not stable", s.LossyOpaque, lost=(s.LossyOpaque(1.5),)),
    _held("InstanceOf[custom type]", pydantic.InstanceOf[s.Celsius], s.Celsius(1.5)),
    _held("SkipValidation[int]", pydantic.SkipValidation[int], 1, lost=(ID,)),
)
NEVER: Final = (
    _refused("SecretStr", pydantic.SecretStr, "is a secret", "x"),
    _refused("SecretBytes", pydantic.SecretBytes, "is a secret", b"x"),
    _refused("Secret[int]", pydantic.Secret[int], "is a secret", 1),
    _refused("Callable", Callable[[], int], "is a callable", print),
    _refused("type[int]", type[int], "is a class", bool),
    _refused("InstanceOf[Exception]", pydantic.InstanceOf[Exception], "has no JSON form", ValueError()),
    _refused("ImportString", pydantic.ImportString, "imports what JSON names", "math.pi"),
    _refused("Json[list[int]]", pydantic.Json[list[int]], "is JSON text", "[1]"),
    _refused("Json", pydantic.Json, "is JSON text", "[1]"),
    _refused("FilePath", pydantic.FilePath, "is checked on the machine", __file__),
    _refused("DirectoryPath", pydantic.DirectoryPath, "is checked on the machine", "/"),
    _refused("NewPath", pydantic.NewPath, "is checked on the machine", "/no/such"),
    _refused("SocketPath", pydantic.SocketPath, "is checked on the machine"),
)
GROUPS: Final = {
    "Standard library": STANDARD,
    "Containers": CONTAINERS,
    "Constrained": CONSTRAINED,
    "Network": NETWORK,
    "Unions": UNIONS,
    "Models": MODELS,
    "Validators, serializers, custom types": CUSTOM,
    "Never": NEVER,
}
KINDS: Final = tuple(kind for group in GROUPS.values() for kind in group)
