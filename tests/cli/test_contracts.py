"""`contradance contracts`: parse, call one function, print."""

import json
from contextlib import chdir
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contradance.cli.app import app
from tests.cli.project import ROOT


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def said(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["contracts", *arguments])
    assert result.exit_code == code, result.output
    return result.stdout


def test_the_list_says_who_speaks_what() -> None:
    assert said("list").startswith(
        "food.orders/OrderPlaced v1  (frozen)\n"
        "  A customer placed an order; nothing is paid yet.\n"
        "  published by orders.place_order\n"
        "  consumed by  payments.process_payment\n"
    )


def test_the_list_for_a_machine() -> None:
    listed = json.loads(said("list", "--json"))

    assert len(listed) == 7
    assert listed[0]["publishers"] == ["orders.place_order"]
    assert {one["state"] for one in listed} == {"frozen"}


def test_one_contract_is_shown_with_every_field_and_what_is_personal() -> None:
    lines = said("show", "PaymentFailed").splitlines()

    assert lines[0] == "food.payments/PaymentFailed v1  The customer could not be charged, and the order is not cooked."
    assert lines[1] == "  subject order_id, a failure; contract in food_contracts/payments.py"
    assert "    email        str                   [personal] Where the customer reads mail." in lines


def test_a_contract_that_is_not_there_is_told_with_those_that_are() -> None:
    result = CliRunner().invoke(app, ["contracts", "show", "OrderEaten"])

    assert result.exit_code == 1
    assert result.stderr.startswith("DeclarationError: 'OrderEaten' is not a known contract.\n  Name one of: food.d")


def test_nothing_breaks_and_nothing_differs() -> None:
    assert said("check") == "7 frozen contracts, no breaking change.\n"
    assert said("check", "--json") == "[]\n"
    assert said("check", "--format", "github") == ""
    assert said("diff") == "Nothing differs.\n"
    assert said("freeze", "--check") == "7 contracts equal their frozen files in contracts/schemas.\n"


def test_two_contracts_are_compared() -> None:
    assert "explanation is removed" not in said("diff", "OrderPlaced", "PaymentFailed")
    assert "explanation is new, and required: " in said("diff", "OrderPlaced", "PaymentFailed v1")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Return a folder whose promises the contracts do not keep."""
    path = tmp_path / "food.orders" / "OrderPlaced" / "v1.json"
    path.parent.mkdir(parents=True)
    promised = json.loads((ROOT / "contracts/schemas/food.orders/OrderPlaced/v1.json").read_text())
    promised["schema"]["properties"]["lines"]["maxItems"] = 60
    path.write_text(json.dumps(promised))
    return tmp_path


def test_a_break_is_told_to_a_person_a_machine_and_a_pull_request(other: Path) -> None:
    text = said("check", "--against", str(other), code=1)
    (found,) = json.loads(said("check", "--against", str(other), "--json", code=1))
    annotation = said("check", "--against", str(other), "--format", "github", code=1)

    assert text.startswith("1 breaking change:\n  food.orders/OrderPlaced v1: lines may now have at most 50")
    assert (found["rule"], found["breaks"], found["victims"]) == (
        "max-items",
        ["backward"],
        ["payments.process_payment"],
    )
    assert annotation.startswith(
        "::error file=contracts/food_contracts/orders.py,title=food.orders/OrderPlaced v1::lines may now have at most 50"
    )
    assert "Affects payments.process_payment." in annotation
    assert annotation.count("\n") == 1


def test_a_mode_that_does_not_mind_passes(other: Path) -> None:
    assert said("check", "--against", str(other), "--mode", "forward") == "1 frozen contract, no breaking change.\n"
    assert "lines may now have at most 50 items, was 60" in said("diff", "--against", str(other))
    assert "lines may now have at most 50" in said("diff", "OrderPlaced", "--against", str(other))


@pytest.mark.parametrize("command", ["check", "diff"])
def test_before_the_first_freeze_it_names_the_command(tmp_path: Path, command: str) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.contradance]\nchoreography = "functions.choreography:food_delivery"\n'
    )
    with chdir(tmp_path):
        result = CliRunner().invoke(app, ["contracts", command])

    assert result.exit_code == 1
    assert result.stderr == (
        "DeclarationError: no contract is frozen yet: there is no folder contracts/schemas.\n"
        "  Freeze the contracts: contradance contracts freeze\n"
    )


def test_where_there_is_nothing_to_compare_with_it_says_so() -> None:
    result = CliRunner().invoke(app, ["contracts", "check", "--against", "nowhere"])

    assert result.exit_code == 1
    assert "nowhere is not a folder, a wheel, a file of stack outputs" in result.stderr


@pytest.mark.parametrize(
    ("form", "files", "first"),
    [
        ("jsonschema", 7, "food.orders/OrderPlaced/v1.schema.json"),
        ("eventbridge", 7, "food.orders@OrderPlaced-v1.json"),
        ("asyncapi", 1, "food-delivery.asyncapi.json"),
    ],
)
def test_contracts_are_exported_to_files_or_printed(tmp_path: Path, form: str, files: int, first: str) -> None:
    said("export", "--format", form, "--out", str(tmp_path))
    printed = json.loads(said("export", "--format", form))

    written = [path for path in tmp_path.rglob("*.json") if path.is_file()]
    assert len(written) == files
    content = json.loads((tmp_path / first).read_text())
    assert content == (printed if form == "asyncapi" else printed[first])


def test_a_folder_that_cannot_be_written_is_a_mistake_of_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for folder in ("file", "file/below"):
        result = CliRunner().invoke(
            app, ["contracts", "export", "--format", "jsonschema", "--out", str(tmp_path / folder)]
        )

        assert result.exit_code == 2
        assert "cannot be written" in " ".join(result.stderr.split())


def test_an_exported_schema_says_which_contract_it_is() -> None:
    schema = json.loads(said("export", "--format", "jsonschema"))["food.orders/OrderPlaced/v1.schema.json"]

    assert schema["$id"] == "contract:food.orders/OrderPlaced/v1"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
