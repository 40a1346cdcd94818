import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contradance import Choreography, Registry, subscriber
from contradance.deployed import INGRESS, SWEEPER
from contradance.errors import PackagingError
from contradance.packaging import Packages, build
from contradance.runtime.aws.variable_names import HANDLER, INGRESS_HANDLER, SWEEPER_HANDLER
from food_contracts.deliveries import DeliveryPartnerAssigned
from food_contracts.orders import OrderPlaced
from functions.choreography import food_delivery
from tests.packaging.project import ROOT, Copied, Unpacked, names_in

FUNCTIONS = sorted(food_delivery.functions)
OWN = [SWEEPER, INGRESS]


@pytest.fixture
def copied(tmp_path: Path, for_lambda: Packages) -> Copied:
    return Copied(tmp_path / "elsewhere", for_lambda)


def module_of(function: str) -> str:
    return food_delivery.functions[function].handler.__module__


def changes(before: Packages, after: dict[str, bytes]) -> set[str]:
    """Return the names of the packages whose bytes differ."""
    paths = {"layer": before.layer, **before.functions}
    assert paths.keys() == after.keys()
    return {name for name, path in paths.items() if path.read_bytes() != after[name]}


def test_every_function_has_a_zip_and_so_have_the_machines_own(for_lambda: Packages) -> None:
    assert list(for_lambda.functions) == [*food_delivery.functions, *OWN]
    assert for_lambda.runtime == f"python3.{sys.version_info.minor}"
    assert for_lambda.architecture == "arm64"


def test_a_zip_holds_the_modules_that_its_function_imports(for_lambda: Packages) -> None:
    assert names_in(for_lambda.functions["payments.process_payment"]) == [
        "food_contracts/__init__.py",
        "food_contracts/orders.py",
        "food_contracts/payments.py",
        "food_contracts/values.py",
        "functions/__init__.py",
        "functions/payments/__init__.py",
        "functions/payments/gateway.py",
        "functions/payments/process_payment.py",
        "functions/payments/tables.py",
    ]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_with_its_zip_and_the_layer_alone_a_handler_is_imported_and_loads_all_that_the_zip_holds(
    unpacked: Unpacked, function: str
) -> None:
    module, attribute = module_of(function), food_delivery.functions[function].handler.__name__
    code = (
        "import importlib, json\n"
        f"entry, _, handler = {HANDLER!r}.rpartition('.')\n"
        "assert callable(getattr(importlib.import_module(entry), handler))\n"
        f"found = getattr(importlib.import_module({module!r}), {attribute!r})\n"
        "own = [m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)]\n"
        "print(json.dumps([found.name, own]))"
    )

    name, loaded = unpacked.run(function, code)

    task = unpacked.task(function)
    assert name == function
    assert {Path(file) for file in loaded if Path(file).is_relative_to(task)} == set(task.rglob("*.py"))
    assert not [file for file in loaded if Path(file).is_relative_to(ROOT)]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_zip_holds_anything_of_another_service(for_lambda: Packages, function: str) -> None:
    service = function.partition(".")[0]

    folders = {Path(name).parts[:2] for name in names_in(for_lambda.functions[function])}

    assert {parts for parts in folders if parts[0] == "functions"} == {
        ("functions", "__init__.py"),
        ("functions", service),
    }
    assert {parts[0] for parts in folders} <= {"functions", "food_contracts"}


@pytest.mark.parametrize(("function", "named"), [(SWEEPER, SWEEPER_HANDLER), (INGRESS, INGRESS_HANDLER)])
def test_the_machines_own_handlers_are_in_the_layer(unpacked: Unpacked, function: str, named: str) -> None:
    module, _, handler = named.rpartition(".")
    code = f"import importlib, json; print(json.dumps(callable(importlib.import_module({module!r}).{handler})))"

    assert unpacked.run(function, code) is True


def test_the_ingress_holds_every_contract_and_no_function(for_lambda: Packages, unpacked: Unpacked) -> None:
    code = "import json; from food_contracts.registry import registry; print(json.dumps(len(registry)))"

    assert unpacked.run(INGRESS, code) == len(food_delivery.contracts)
    assert {name.partition("/")[0] for name in names_in(for_lambda.functions[INGRESS])} == {"food_contracts"}


def test_the_sweeper_needs_nothing_but_the_layer_yet_its_zip_is_not_empty(for_lambda: Packages) -> None:
    assert names_in(for_lambda.functions[SWEEPER]) == ["README"]


@pytest.mark.parametrize("function", [*FUNCTIONS, *OWN])
def test_a_zip_is_small(for_lambda: Packages, function: str) -> None:
    assert for_lambda.functions[function].stat().st_size <= 40_000


def test_built_again_nothing_is_made_again(for_lambda: Packages) -> None:
    again = build(ROOT, food_delivery, cache=for_lambda.layer.parent)

    assert again.fresh == frozenset()
    assert (again.layer, again.functions) == (for_lambda.layer, for_lambda.functions)


def test_in_another_folder_every_package_is_the_same_to_the_byte(tmp_path: Path, for_lambda: Packages) -> None:
    assert changes(for_lambda, Copied(tmp_path / "ein anderer Ordner").built()) == set()


def test_an_edit_in_one_service_changes_that_services_zips_and_no_others(copied: Copied, for_lambda: Packages) -> None:
    copied.edit("functions/payments/gateway.py", "The card was charged.", "The card could be charged.")

    changed = changes(for_lambda, copied.built())

    assert changed == {name for name in FUNCTIONS if name.startswith("payments.")}


def test_an_edit_of_a_handler_changes_its_zip_alone(copied: Copied, for_lambda: Packages) -> None:
    copied.edit("functions/payments/process_payment.py", "Charge the customer.", "Charge a customer.")

    changed = changes(for_lambda, copied.built())

    assert changed == {"payments.process_payment"}


def test_an_edit_of_a_contract_changes_the_zips_of_those_who_speak_it(copied: Copied, for_lambda: Packages) -> None:
    copied.edit("contracts/food_contracts/deliveries.py", "A delivery partner was booked", "Somebody was booked")

    changed = changes(for_lambda, copied.built())

    assigned = DeliveryPartnerAssigned
    speakers = {f.name for f in (*food_delivery.consumers(assigned), *food_delivery.publishers(assigned))}
    assert changed == {*speakers, INGRESS}


def test_what_only_type_checkers_import_does_not_travel(copied: Copied) -> None:
    copied.edit(
        "functions/payments/gateway.py",
        "class GatewayOutage",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import functions.orders.tables\n\n\nclass GatewayOutage",
    )
    copied.built()

    (zipped,) = (copied.folder / ".contradance" / "packages").glob("payments.process_payment-*.zip")
    assert not [name for name in names_in(zipped) if "orders/" in name]


def test_a_module_with_an_unusual_name_travels_too(copied: Copied) -> None:
    (copied.folder / "functions" / "payments" / "größe.py").write_text("GRÖẞE = 1\n", encoding="utf-8")
    copied.edit(
        "functions/payments/gateway.py",
        "class GatewayOutage",
        "import functions.payments.größe\n\n\nclass GatewayOutage",
    )
    copied.built()

    (zipped,) = (copied.folder / ".contradance" / "packages").glob("payments.process_payment-*.zip")
    assert "functions/payments/größe.py" in names_in(zipped)


def test_without_a_lock_nothing_is_built_and_it_says_what_writes_one(copied: Copied) -> None:
    (copied.folder / "requirements-lambda.txt").unlink()

    assert copied.refused() == (
        "PackagingError: ./requirements-lambda.txt, which lists the packages of the layer, cannot be read: No such file or "
        "directory.\n  Write it: contradance package --lock\n"
    )


def test_a_lock_of_other_requirements_is_refused(copied: Copied) -> None:
    copied.edit("pyproject.toml", '"pydantic>=2.12"', '"pydantic>=2.12", "orjson"')

    assert copied.refused() == (
        "PackagingError: ./requirements-lambda.txt is out of date: the requirements in ./pyproject.toml have changed.\n"
        "  Write it: contradance package --lock\n"
    )


def test_a_dependency_that_the_layer_does_not_bring_is_refused_with_its_place(copied: Copied) -> None:
    copied.edit("functions/payments/gateway.py", "class GatewayOutage", "import hypothesis\n\n\nclass GatewayOutage")

    assert copied.refused() == (
        "PackagingError: ./functions/payments/gateway.py, line 14, imports hypothesis, which requirements-lambda.txt does "
        "not bring.\n  Add it to the dependencies in pyproject.toml, and pin them: contradance package --lock\n"
    )


def test_a_project_that_does_not_name_its_contracts_is_told_how(copied: Copied) -> None:
    copied.edit("pyproject.toml", 'contracts = "food_contracts.registry:registry"\n', "")

    assert copied.refused() == (
        "DeclarationError: ./pyproject.toml does not name its contracts.\n"
        '  Add to [tool.contradance]: contracts = "library_contracts.registry:registry".\n'
    )


def test_contracts_that_are_not_the_choreographys_are_refused(tmp_path: Path) -> None:
    @subscriber(service="marketing")
    def congratulate(placed: OrderPlaced) -> None: ...

    marketing = Choreography("marketing", contracts=Registry("food", [OrderPlaced]), functions=[congratulate])

    with pytest.raises(
        PackagingError, match="names the registry 'food' as its contracts, but the choreography 'market"
    ):
        build(ROOT, marketing, cache=tmp_path)


def test_builds_at_once_make_the_same_and_break_nothing(tmp_path: Path, for_lambda: Packages) -> None:
    copied = Copied(tmp_path / "project", for_lambda)

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: copied.built(), range(3)))

    assert results[0] == results[1] == results[2]
    assert not [path for path in (copied.folder / ".contradance" / "packages").iterdir() if path.suffix != ".zip"]
