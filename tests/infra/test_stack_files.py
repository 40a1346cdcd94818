"""The values that other commands read from the stack files."""

import re
from pathlib import Path

import pytest

from contradance.errors import InvalidStack
from contradance.infra.stack_files import cors_origins


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: library\n")
    return tmp_path


def test_the_origins_of_every_stack_count(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text('config:\n  library:corsOrigins: ["http://localhost:3000"]\n')
    (project / "Pulumi.prod.yaml").write_text("config:\n  library:corsOrigins: '[\"https://library.example\"]'\n")
    (project / "Pulumi.test.yaml").write_text("config:\n  library:archiveDays: 3\n")

    assert cors_origins(project) == {"http://localhost:3000", "https://library.example"}


def test_a_project_without_stacks_allows_none(tmp_path: Path) -> None:
    assert cors_origins(tmp_path) == frozenset()


def test_origins_that_are_no_list_are_refused(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("config:\n  library:corsOrigins: http://localhost:3000\n")

    with pytest.raises(InvalidStack, match=re.escape("library:corsOrigins")):
        cors_origins(project)


@pytest.mark.parametrize(
    "content",
    [
        b"config: \xff",
        b"config: [",
        b"config: " + b"{a: " * 3_000,
        b"config: 2026-02-30",
        b"config: " + b"9" * 5_000,
    ],
    ids=["not UTF-8", "not closed", "deep", "no date", "no number"],
)
def test_a_file_that_is_not_yaml_is_refused(project: Path, content: bytes) -> None:
    (project / "Pulumi.dev.yaml").write_bytes(content)

    with pytest.raises(InvalidStack, match=r"Pulumi\.dev\.yaml is not YAML"):
        cors_origins(project)


@pytest.mark.parametrize("value", ["*f", "&g [*g]", "&g {a: *g}"], ids=["bomb", "itself", "an object in itself"])
def test_aliases_that_repeat_a_value_without_end_are_refused(project: Path, value: str) -> None:
    levels = [f"{name}: &{name} [{', '.join([f'*{chr(ord(name) - 1)}'] * 10)}]" for name in "bcdef"]
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]", *levels, "config:", f"  library:corsOrigins: {value}"]
    (project / "Pulumi.dev.yaml").write_text("\n".join(lines))

    with pytest.raises(InvalidStack, match="more than 10,000 values in corsOrigins"):
        cors_origins(project)


def test_a_stack_file_that_is_a_folder_sets_none(project: Path) -> None:
    (project / "Pulumi.dev.yaml").mkdir()

    assert cors_origins(project) == frozenset()


@pytest.mark.parametrize("content", ["config: [1]", "[1]", "config: text", ""])
def test_a_file_without_an_object_of_keys_sets_none(project: Path, content: str) -> None:
    (project / "Pulumi.dev.yaml").write_text(content)

    assert cors_origins(project) == frozenset()
