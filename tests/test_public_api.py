import subprocess
import sys
from pkgutil import iter_modules
from types import ModuleType

import pytest

import contradance
import contradance.testing


def test_every_public_name_is_listed_sorted_and_has_a_home() -> None:
    constants_first = sorted(contradance.__all__, key=lambda name: (not name.isupper(), name.islower(), name))

    assert contradance.__all__ == constants_first
    assert set(contradance.__all__) == set(contradance._HOME)
    assert dir(contradance) == sorted(contradance.__all__)


@pytest.mark.parametrize("name", contradance.__all__)
def test_a_public_name_is_what_its_home_says(name: str) -> None:
    home = sys.modules.get(f"contradance.{contradance._HOME[name]}")

    value = getattr(contradance, name)

    home = home or sys.modules[f"contradance.{contradance._HOME[name]}"]
    assert value is getattr(home, name)


@pytest.mark.parametrize("package", [contradance, contradance.testing], ids=lambda package: package.__name__)
def test_no_public_name_is_also_a_module_which_its_import_would_put_in_its_place(package: ModuleType) -> None:
    modules = {module.name for module in iter_modules(package.__path__)}

    assert not modules & {*package.__all__}


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError) as refused:
        contradance.Contracts  # noqa: B018 - naming it is the act

    assert str(refused.value) == "module 'contradance' has no attribute 'Contracts'"


@pytest.mark.parametrize("module", ["pydantic", "boto3", "pulumi", "typing_extensions"])
def test_importing_contradance_alone_loads_nothing_costly(module: str) -> None:
    code = f"import sys, contradance; sys.exit({module!r} in sys.modules)"

    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=30)

    assert ended.returncode == 0
