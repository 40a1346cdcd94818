"""What another team installs: the contracts and contradance's base, without anything that deploys, runs or serves."""

import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with only `contracts/` and the base package."""
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    environment = tmp_path_factory.mktemp("isolated") / "venv"
    subprocess.run([uv, "venv", "--quiet", environment], check=True)
    interpreter = environment / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", interpreter, "-c", constraints, ROOT, ROOT / "contracts"],
        check=True,
    )
    return interpreter


def run(python: Path, code: str, folder: Path) -> str:
    """Return what `code` prints in the isolated environment, away from the repository."""
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True, cwd=folder).stdout.strip()


def test_one_services_contracts_load_no_other_and_nothing_heavy(python: Path, tmp_path: Path) -> None:
    code = (
        "import food_contracts.orders, sys; "
        "assert not {'boto3','pulumi','aws_lambda_powertools','food_contracts.payments'} & set(sys.modules)"
    )

    assert run(python, code, tmp_path) == ""


def test_the_base_install_is_pydantic_and_nothing_else(python: Path, tmp_path: Path) -> None:
    code = "from importlib.metadata import distributions; print(*{d.name.lower() for d in distributions()})"

    installed = set(run(python, code, tmp_path).replace("_", "-").split())

    assert installed == {
        "annotated-types",
        "contradance",
        "food-contracts",
        "pydantic",
        "pydantic-core",
        "typing-extensions",
        "typing-inspection",
    }


def test_an_author_can_declare_and_build_a_choreography_with_the_base_install(python: Path, tmp_path: Path) -> None:
    code = (
        "import warnings; warnings.simplefilter('error')\n"
        "from contradance import Choreography, subscriber\n"
        "from food_contracts.registry import registry\n"
        "from food_contracts.orders import OrderPlaced\n"
        "def look(placed: OrderPlaced) -> None: ...\n"
        "looks = subscriber(service='marketing')(look)\n"
        "print(Choreography('marketing', contracts=registry, functions=[looks]).subscriptions[0].function.name)"
    )

    assert run(python, code, tmp_path) == "marketing.look"


def test_the_command_says_what_to_install(python: Path, tmp_path: Path) -> None:
    asked = subprocess.run([python, "-m", "contradance"], check=False, capture_output=True, text=True, cwd=tmp_path)

    assert asked.returncode == 1
    assert "pip install 'contradance[local]'" in asked.stderr
