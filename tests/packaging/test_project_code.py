from pathlib import Path

import pytest

from contradance.errors import PackagingError
from contradance.packaging.project_code import ProjectCode
from functions.choreography import food_delivery
from tests.packaging.project import write

LAYER = {"pydantic", "contradance"}
ROOMS = {"contradance", "contradance.contract", "contradance.runtime"}


@pytest.fixture
def code(modules: Path) -> ProjectCode:
    """Return the code of a project in `modules` that has the food delivery system's functions."""
    return ProjectCode(modules, food_delivery, LAYER, ROOMS)


@pytest.mark.parametrize("top", ["functions", "food_contracts"])
def test_what_the_choreography_names_is_the_projects(code: ProjectCode, top: str) -> None:
    assert code.is_own(top)


@pytest.mark.parametrize("top", ["json", "contradance", "pydantic", "pytest", "no_such_package"])
def test_what_python_the_layer_or_an_index_brings_is_not(code: ProjectCode, top: str) -> None:
    assert not code.is_own(top)


def test_what_lies_in_the_projects_folder_is_the_projects(modules: Path, code: ProjectCode) -> None:
    write(modules, {"shared/__init__.py": ""})

    assert code.is_own("shared")


def test_what_lies_in_an_environment_inside_that_folder_is_not(modules: Path) -> None:
    environment = modules / ".venv" / "lib" / "site-packages"
    write(environment, {"somebodys/__init__.py": ""})

    assert not ProjectCode(environment, food_delivery, LAYER, ROOMS).is_own("somebodys")


@pytest.mark.parametrize(
    ("origin", "is_ours"),
    [
        ('{"url": "file:///a/folder", "dir_info": {}}', True),
        ('{"url": "https://example.com/x.whl", "archive_info": {}}', False),
        ("{}", False),
    ],
)
def test_what_was_installed_from_a_folder_is_the_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules: Path, origin: str, is_ours: bool
) -> None:
    environment = tmp_path / "site-packages"
    record = "shared_things-1.0.dist-info"
    write(
        environment,
        {
            "shared_things/__init__.py": "",
            f"{record}/METADATA": "Metadata-Version: 2.1\nName: shared-things\nVersion: 1.0\n",
            f"{record}/top_level.txt": "shared_things\n",
            f"{record}/direct_url.json": origin,
        },
    )
    monkeypatch.syspath_prepend(environment)

    assert ProjectCode(modules, food_delivery, LAYER, ROOMS).is_own("shared_things") is is_ours


def test_contracts_that_the_layer_brings_do_not_travel_twice(modules: Path) -> None:
    code = ProjectCode(modules, food_delivery, {*LAYER, "food_contracts"}, ROOMS)

    assert not code.is_own("food_contracts")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "\nimport pytest.mark",
            r"till\.py, line 2, imports pytest\.mark, which is not in requirements-lambda\.txt\.",
        ),
        ("import shop.native", r"imports shop\.native, which is not a Python module of the project"),
        ("import no_such", "imports no_such, which is not in requirements-lambda.txt"),
        (
            "from contradance.local.events.bus import Bus",
            r"imports contradance\.local\.events\.bus, which the layer does not contain",
        ),
        ("from contradance import local", "imports contradance, which the layer does not contain"),
        ("import contradance.testing", r"imports contradance\.testing, which the layer does not contain"),
    ],
)
def test_an_import_that_would_fail_on_lambda_is_refused(modules: Path, code: ProjectCode, text: str, told: str) -> None:
    write(modules, {"shop/till.py": text, "shop/native.cpython-311-x86_64-linux-gnu.so": ""})

    with pytest.raises(PackagingError, match=told):
        code.needed_by("shop.till")


@pytest.mark.parametrize(
    "text",
    [
        "import json, boto3, pydantic.fields, botocore.config",
        "import winreg, __future__",
        "try:\n    import no_such\nexcept ImportError:\n    no_such = None",
        "if TYPE_CHECKING:\n    import mypy_boto3_s3",
        "from contradance import Contract, runtime",
        "import contradance.contract",
        "import shop.desks",
        "try:\n    import shop.native\nexcept ImportError:\n    pass",
    ],
)
def test_an_import_that_will_not_fail_there_is_not(modules: Path, code: ProjectCode, text: str) -> None:
    write(modules, {"shop/till.py": text, "shop/desks/no_python.txt": ""})

    assert set(code.needed_by("shop.till")) == {"shop.till"}


def test_a_function_that_cannot_be_found_again_is_refused(modules: Path, code: ProjectCode) -> None:
    with pytest.raises(PackagingError, match=r"the module shop\.desk cannot be imported from .*a\.folder"):
        code.needed_by("shop.desk")
