import os
import subprocess
import sys
from importlib import import_module

import pytest

import food_contracts
from food_contracts.registry import registry


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter holds after `statement`."""
    result = subprocess.run(
        [sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
        text=True,
    )
    return set(result.stdout.split())


def test_the_package_by_itself_loads_no_contract() -> None:
    loaded = loaded_by("import food_contracts")

    assert {name for name in loaded if name.startswith("food_contracts")} == {"food_contracts"}
    assert "pydantic" not in loaded


@pytest.mark.parametrize("module", ["orders", "payments", "restaurants", "deliveries"])
def test_a_module_loads_its_own_contracts_and_no_others(module: str) -> None:
    loaded = loaded_by(f"import food_contracts.{module}")

    assert {name for name in loaded if name.startswith("food_contracts.")} == {
        f"food_contracts.{name}" for name in (module, "values")
    }
    assert not loaded & {"boto3", "botocore", "pulumi", "aws_lambda_powertools"}


def test_every_public_name_is_listed_in_order_and_can_be_loaded() -> None:
    assert food_contracts.__all__ == sorted(food_contracts.__all__)
    assert dir(food_contracts) == food_contracts.__all__
    for name in food_contracts.__all__:
        value = getattr(food_contracts, name)
        assert value is getattr(import_module(value.__module__), name)


def test_every_contract_is_public() -> None:
    assert {contract.__name__ for contract in registry} <= set(food_contracts.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'OrderEaten'"):
        _ = food_contracts.OrderEaten
