import json
from pathlib import Path

import pytest

from contradance.packaging import Packages
from functions.choreography import food_delivery
from tests.packaging.project import ROOT, Copied


@pytest.fixture
def copied(tmp_path: Path, for_lambda: Packages) -> Copied:
    return Copied(tmp_path / "project", for_lambda)


def test_it_says_what_was_built_how_large_it_is_and_where_it_lies(copied: Copied) -> None:
    first, second = (copied.package().stdout.splitlines() for _ in range(2))

    assert first[0] == f"food-delivery for {copied.runtime} on arm64"
    assert [line.split()[0] for line in first[1:-1]] == [
        "layer",
        *food_delivery.functions,
        "contradance.sweeper",
        "contradance.ingress",
    ]
    assert [line.split(maxsplit=3)[3] for line in first[1:-1]] == ["unchanged", *["built"] * (len(first) - 3)]
    assert {line.split(maxsplit=3)[3] for line in second[1:-1]} == {"unchanged"}
    assert first[1].split()[2] == "MB"
    assert {line.split()[2] for line in first[2:-1]} == {"KB"}
    assert first[-1] == f"They are in {copied.folder}/.contradance/packages/"


def test_a_machine_reads_the_same_as_json(copied: Copied) -> None:
    done = copied.package("--json")

    described = json.loads(done.stdout)
    layer = Path(described["layer"]["path"])
    assert (described["runtime"], described["architecture"]) == (copied.runtime, "arm64")
    assert described["layer"] == {"path": str(layer), "bytes": layer.stat().st_size, "fresh": False}
    assert list(described["functions"]) == [*food_delivery.functions, "contradance.sweeper", "contradance.ingress"]
    assert all(found["fresh"] for found in described["functions"].values())


def test_the_lock_is_written_before_anything_is_built(copied: Copied) -> None:
    lock = copied.folder / "requirements-lambda.txt"
    lock.unlink()
    (copied.folder / "constraints.txt").write_bytes((ROOT / "constraints.txt").read_bytes())

    done = copied.package("--lock")

    assert (done.returncode, done.stderr) == (0, "")
    assert "pydantic==" in lock.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--runtime", "python2.7"], 1, "PackagingError: contradance cannot package for the runtime 'python2.7'."),
        (["--architecture", "mips"], 2, "'mips' is not one of 'arm64', 'x86_64'"),
    ],
)
def test_what_lambda_does_not_have_is_refused(copied: Copied, options: list[str], code: int, told: str) -> None:
    done = copied.package(*options)

    assert (done.returncode, done.stdout) == (code, "")
    assert told in " ".join(done.stderr.replace("│", " ").split())


def test_without_the_deploy_hosts_libraries_it_says_what_to_install(copied: Copied) -> None:
    (copied.folder / "deflate.py").write_text("raise ModuleNotFoundError(name='deflate')")

    assert (
        "compressed with deflate, which is not installed.\n  Install it: make deployable, or pip install deflate"
        in copied.refused()
    )
