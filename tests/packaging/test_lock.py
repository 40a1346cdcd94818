import re
import shutil
from pathlib import Path

import pytest

from contradance.errors import PackagingError
from contradance.packaging.lock import NAME, read_lock, write_lock
from tests.packaging.project import ROOT, write

LOCK = (ROOT / NAME).read_text(encoding="utf-8")


def versions(lock: str) -> list[str]:
    return re.findall(r"^[a-z]\S*==\S+", lock, flags=re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with this project's requirements and its lock."""
    for name in ("pyproject.toml", "constraints.txt", NAME):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_the_lock_is_what_the_requirements_come_to(project: Path) -> None:
    write_lock(project, ["food-contracts"])

    assert (project / NAME).read_text(encoding="utf-8") == LOCK, "run: make constraints"


def test_a_lock_that_is_written_anew_has_the_versions_that_are_used_here(project: Path) -> None:
    (project / NAME).unlink()

    write_lock(project, ["food-contracts"])

    assert versions((project / NAME).read_text(encoding="utf-8")) == versions(LOCK)


def test_a_project_that_requires_nothing_itself_has_what_contradance_needs(project: Path) -> None:
    write(project, {"pyproject.toml": "[tool.contradance]\n"})

    write_lock(project, [])

    assert versions((project / NAME).read_text(encoding="utf-8")) == versions(LOCK)
    assert read_lock(project)


def test_what_a_project_requires_travels_and_contradance_and_its_own_code_are_not_looked_for(project: Path) -> None:
    required = '["contradance[lambda]>=0", "Library_Contracts>=1", "six"]'
    write(project, {"pyproject.toml": f'[project]\nname = "library"\nversion = "1"\ndependencies = {required}\n'})

    write_lock(project, ["library-contracts"])

    added = set(versions((project / NAME).read_text(encoding="utf-8"))) - set(versions(LOCK))
    assert {each.partition("==")[0] for each in added} == {"six"}


def test_everything_in_it_has_hashes_and_what_lambda_has_is_not_in_it() -> None:
    pinned = re.findall(r"^([a-z0-9-]+)==\S+(?: ; .*)? \\\n    --hash=sha256:[0-9a-f]{64}", LOCK, flags=re.MULTILINE)

    assert pinned == re.findall(r"^([a-z]\S*)==", LOCK, flags=re.MULTILINE)
    assert {"pydantic", "aws-lambda-powertools"} <= set(pinned)
    assert not {"boto3", "botocore", "contradance", "food-contracts", "aws-xray-sdk", "wrapt"} & set(pinned)


def test_no_lock_is_an_error_that_says_how_to_write_one(project: Path) -> None:
    (project / NAME).unlink()

    with pytest.raises(PackagingError, match=r"No such file.*\n  Write it: contradance package --lock"):
        read_lock(project)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('dependencies = ["pydantic>=2.12"]', 'dependencies = ["pydantic>=2.12", "orjson"]'),
        ('"aws-lambda-powertools>=3.37"', '"aws-lambda-powertools>=3.38"'),
    ],
)
def test_requirements_that_changed_since_are_noticed_without_an_index(project: Path, old: str, new: str) -> None:
    settings = (project / "pyproject.toml").read_text(encoding="utf-8")
    assert old in settings
    write(project, {"pyproject.toml": settings.replace(old, new)})

    with pytest.raises(PackagingError, match=r"is out of date: the requirements in .*pyproject\.toml have changed"):
        read_lock(project)


def test_what_does_not_travel_to_lambda_may_change(project: Path) -> None:
    settings = (project / "pyproject.toml").read_text(encoding="utf-8")
    write(project, {"pyproject.toml": settings.replace('"rich>=15.0"', '"rich>=15.1"')})

    assert read_lock(project) == LOCK.encode()


def test_a_lock_that_somebody_wrote_by_other_means_is_taken_as_it_is(project: Path) -> None:
    _, _, pins = LOCK.partition("\n")
    write(project, {NAME: pins})

    assert read_lock(project) == pins.encode()


def test_a_requirement_that_no_index_has_is_told_in_uvs_words_and_the_lock_is_left_alone(project: Path) -> None:
    settings = (project / "pyproject.toml").read_text(encoding="utf-8")
    write(project, {"pyproject.toml": settings.replace('"pydantic>=2.12"', '"pydantic>=2.12", "pydantic<2.12"')})

    with pytest.raises(PackagingError, match=r"cannot be pinned\.\n  uv: (.|\n)*pydantic<2\.12"):
        write_lock(project, [])

    assert (project / NAME).read_text(encoding="utf-8") == LOCK
