"""What another team installs: the contracts and contradance's base, without anything that deploys, runs or serves."""

import json
import re
import subprocess
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

from contradance.schemas import read_folder
from contradance.schemas.sources import read_promises
from contradance.testing import sample
from food_contracts.payments import PaymentReversed
from tests.runtime.fakes import delivered

ROOT = Path(__file__).parent.parent
MOST_LINES = 20


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return what `make wheel` builds."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(["make", "--silent", "wheel", f"DIST={folder}"], check=True, cwd=ROOT)  # noqa: S607 - whichever make there is
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with only the two wheels and what they need."""
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    environment = tmp_path_factory.mktemp("isolated") / "venv"
    subprocess.run([uv, "venv", "--quiet", environment], check=True)
    interpreter = environment / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", interpreter, "-c", constraints, *wheels],
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


def test_there_are_two_wheels_and_both_say_their_types(wheels: list[Path]) -> None:
    names = {wheel.name.partition("-")[0]: ZipFile(wheel).namelist() for wheel in wheels}

    assert [*names] == ["contradance", "food_contracts"]
    assert all(f"{package}/py.typed" in held for package, held in names.items())
    assert "food_contracts/registry.py" in names["food_contracts"]


def test_the_contracts_wheel_holds_what_is_promised(wheels: list[Path]) -> None:
    promised = read_promises(str(wheels[1]), ROOT, Path("contracts/schemas"))

    assert len(promised) == 7
    assert promised == read_folder(ROOT / "contracts" / "schemas")


def test_the_readme_of_the_contracts_publishes_and_consumes_in_twenty_lines(python: Path, tmp_path: Path) -> None:
    readme = (ROOT / "contracts" / "README.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- twenty lines -->\n```python\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    event = sample(PaymentReversed)
    data = {**json.loads(event.model_dump_json()), "added_by_a_newer_publisher": True}
    envelope = delivered(event)
    envelope["detail"]["data"] = data
    code = (
        f"{found[1]}\n"
        "import json\n"
        f"event = PaymentReversed.model_validate(json.loads({event.model_dump_json()!r}))\n"
        "def put_events(Entries):\n"
        "    said = json.loads(Entries[0]['Detail'])\n"
        "    print(Entries[0]['Source'], said['metadata']['publisher'], said['data'] == json.loads(event.model_dump_json()))\n"
        "publish(event, put_events)\n"
        f"print(consume(json.loads({json.dumps(envelope)!r})))\n"
        "try:\n    publish(event.model_copy(update={'refund_id': ''}), put_events)\n"
        "except ContractViolation as refused:\n    print(str(refused).splitlines()[1].strip())\n"
    )

    lines = run(python, code, tmp_path).splitlines()

    assert len([line for line in found[1].splitlines() if line.strip()]) <= MOST_LINES
    assert lines == [
        "food.payments billing.refund True",
        "6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11: 24.50 EUR",
        "data.refund_id: String should have at least 1 character",
    ]
