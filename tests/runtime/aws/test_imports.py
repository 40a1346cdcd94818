"""What a deployed function loads, by name: a cold start pays for every module."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contradance.runtime.aws import variable_names
from tests.runtime.aws.imports import GOLDEN, deployed_functions, golden, loaded, own
from tests.runtime.aws.moto import deployed

TOO_SLOW = {
    "asyncio",
    "boto3",
    "botocore.session",
    "concurrent.futures",
    "encodings.idna",
    "http.client",
    "multiprocessing",
    "sqlite3",
    "unittest",
    "urllib.request",
    "xml",
}
"""What would be noticed at once. Of the email package, Pydantic itself loads most; of botocore, Powertools its first module."""
CONTRACT = """
class Happened{number}(Contract, source="library.loans", subject="loan_id"):
    loan_id: str
"""


@pytest.fixture(scope="module")
def modules() -> dict[str, set[str]]:
    """What each function of the food system loads."""
    functions = deployed_functions()
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(functions, pool.map(loaded, functions.values()), strict=True))


def test_each_function_loads_what_is_listed_and_nothing_else(modules: dict[str, set[str]]) -> None:
    found = golden({name: own(names) for name, names in modules.items()})

    assert found == json.loads(GOLDEN.read_text(encoding="utf-8")), "python -m tests.runtime.aws.imports"


@pytest.mark.parametrize("name", deployed_functions())
def test_no_function_loads_what_is_slow(modules: dict[str, set[str]], name: str) -> None:
    installed = {module.partition(".")[0] for module in modules[name]} & {
        "aws_xray_sdk",
        "boto3",
        "opentelemetry",
        "wrapt",
    }

    assert modules[name] & TOO_SLOW == set()
    assert installed == set()


def _library(folder: Path, contracts: int) -> Iterator[str]:
    """Write a library with that many contracts, of which its one function uses the first; yield each module's text."""
    package = folder / "library_contracts"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for number in range(contracts):
        text = "from contradance import Contract\n" + CONTRACT.format(number=number)
        (package / f"m{number}.py").write_text(text)
        yield f"from library_contracts.m{number} import Happened{number}"
    functions = folder / "loans"
    functions.mkdir()
    (functions / "__init__.py").touch()
    (functions / "remind.py").write_text(
        "from contradance import subscriber\nfrom library_contracts.m0 import Happened0\n\n\n"
        "@subscriber()\ndef remind(happened: Happened0) -> None: ...\n"
    )


def test_two_hundred_contracts_cost_no_more_than_one(tmp_path: Path) -> None:
    counts = []
    for contracts in (1, 200):
        folder = tmp_path / str(contracts)
        imports = [*_library(folder, contracts)]
        names = ", ".join(f"Happened{number}" for number in range(contracts))
        registry = ["from contradance import Registry", *imports, f'registry = Registry("library", [{names}])', ""]
        (folder / "library_contracts" / "registry.py").write_text("\n".join(registry))
        environ = deployed(**{variable_names.FUNCTION: "loans.remind:remind"})
        counts.append(len(loaded(environ, path=folder)))

    assert counts[0] == counts[1]
