from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance import DeclarationError, Secret, Setting
from contradance.errors import NoUnitOfWork
from contradance.testing import InMemoryUnit, unit_of_work
from contradance.unit import run_in


class Mode(StrEnum):
    FAST = "fast"


untyped_setting: Any = Setting
untyped_secret: Any = Secret


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        (int, -3),
        (float, 0.5),
        (float, 1),
        (bool, True),
        (bool, False),
        (str, ""),
        (str, " spaced\n"),
        (Decimal, Decimal("0.30")),
        (date, date(2026, 3, 1)),
        (timedelta, timedelta(days=3, hours=1, microseconds=5)),
        (UUID, UUID(int=1)),
        (Mode, Mode.FAST),
    ],
    ids=str,
)
def test_a_default_comes_back_from_the_text_it_travels_as(kind: type[Any], default: object) -> None:
    setting = untyped_setting("rate", kind, default=default)

    assert setting.parse(str(default)) == default
    with unit_of_work():
        assert setting.get() == default


@given(
    st.integers()
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.text()
    | st.timedeltas(min_value=timedelta(0))
    | st.dates()
    | st.uuids()
)
def test_every_plain_value_travels(value: Any) -> None:
    setting = untyped_setting("rate", type(value), default=value)

    with unit_of_work(rate=value):
        assert setting.get() == value


def test_a_configured_value_is_read_in_its_type() -> None:
    setting = Setting("refusal_rate", float, default=0.0)

    with unit_of_work(refusal_rate=1):
        assert setting.get() == 1.0

    assert setting.variable == "SETTING_REFUSAL_RATE"


@pytest.mark.parametrize(
    ("kind", "default", "said"),
    [
        (int, "1", "str"),
        (float, "0.5", "str"),
        (str, None, "None"),
        (str, 5, "int"),
        (float, float("nan"), "float"),
        (timedelta, timedelta(days=-1, seconds=1), "timedelta"),
        (object, 1, "int"),
    ],
    ids=str,
)
def test_a_default_of_another_type_is_refused(kind: type[Any], default: object, said: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        untyped_setting("rate", kind, default=default)

    assert str(refused.value) == (
        f"setting 'rate' has the type {kind.__name__}, but its default, of type {said}, changes when it is written as text "
        f"and read back.\n  Give it a default of type {kind.__name__}."
    )


@pytest.mark.parametrize(
    ("kind", "default", "why"),
    [
        (int, "many", "int: Input should be a valid integer, unable to parse string as an integer"),
        (int, 0.5, "int: Input should be a valid integer, unable to parse string as an integer"),
        (bool, "perhaps", "bool: Input should be a valid boolean, unable to interpret input"),
        (int | None, None, "int | None: Input should be a valid integer, unable to parse string as an integer"),
        (list[str], [], "list[str]: Input should be a valid array"),
    ],
    ids=str,
)
def test_a_default_that_is_no_value_of_its_type_is_refused(kind: Any, default: object, why: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        untyped_setting("rate", kind, default=default)

    assert str(refused.value) == (
        f"setting 'rate' should be {why}.\n  Correct its default, or its value in the stack's configuration."
    )


def test_a_configured_value_of_another_type_is_refused() -> None:
    setting = Setting("rate", int, default=1)

    with unit_of_work(rate="many"), pytest.raises(DeclarationError) as refused:
        setting.get()

    assert str(refused.value) == (
        "setting 'rate' should be int: Input should be a valid integer, unable to parse string as an integer.\n"
        "  Correct its default, or its value in the stack's configuration."
    )


def test_a_type_that_no_text_can_be_turned_into_is_refused() -> None:
    class Opaque: ...

    with pytest.raises(DeclarationError) as refused:
        untyped_setting("rate", Opaque, default=Opaque())

    assert str(refused.value) == (
        "setting 'rate' has the type Opaque, which cannot be read from text.\n"
        "  Make it a str, a bool, a number, a date, a timedelta or a UUID."
    )


@pytest.mark.parametrize("name", ["", "Rate", "refusal rate", "1st", "refusal-rate", "_rate", "r\u00e4te", "rate\n"])
def test_a_name_has_to_travel_as_a_variable(name: str) -> None:
    for kind, declare in (("setting", lambda: Setting(name, int, default=1)), ("secret", lambda: Secret(name))):
        with pytest.raises(DeclarationError) as refused:
            declare()

        assert str(refused.value) == (
            f"{kind} {name!r} has a name that an environment variable cannot have.\n  Use lower-case letters, digits and '_'."
        )


def test_a_secret_is_read_from_the_environment_before_the_laptop() -> None:
    secret = Secret("gateway_key", on_laptop="test key")

    with run_in(InMemoryUnit({"SECRET_GATEWAY_KEY": "real"})):
        assert secret.get() == "real"
    with run_in(InMemoryUnit()):
        assert secret.get() == "test key"


def test_a_secret_without_a_value_says_where_to_put_one() -> None:
    with unit_of_work(), pytest.raises(DeclarationError) as refused:
        Secret("gateway_key").get()

    assert str(refused.value) == (
        "secret 'gateway_key' has no value.\n"
        "  Set SECRET_GATEWAY_KEY in the environment, or declare it with on_laptop='a test key'."
    )


def test_a_secret_does_not_show_its_value() -> None:
    assert repr(Secret("gateway_key", on_laptop="hush")) == "Secret(name='gateway_key')"


@pytest.mark.parametrize(
    ("link", "said"),
    [(Setting("rate", int, default=1), "setting 'rate'"), (Secret("gateway_key"), "secret 'gateway_key'")],
)
def test_nothing_is_read_where_no_handler_is_running(link: Setting[int] | Secret, said: str) -> None:
    with pytest.raises(NoUnitOfWork) as refused:
        link.get()

    assert str(refused.value) == (
        f"{said} is used outside a running handler.\n"
        "  Use it inside a handler; in a unit test, call the handler inside contradance.testing.unit_of_work()."
    )
