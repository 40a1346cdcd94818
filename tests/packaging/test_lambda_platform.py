import sys
from typing import NamedTuple

import pytest

from contradance.errors import PackagingError
from contradance.packaging.lambda_platform import LambdaPlatform, default_runtime


class Version(NamedTuple):
    major: int
    minor: int


@pytest.mark.parametrize(
    ("runtime", "architecture", "platform"),
    [
        ("python3.11", "arm64", "aarch64-manylinux_2_17"),
        ("python3.13", "arm64", "aarch64-manylinux_2_34"),
        ("python3.14", "x86_64", "x86_64-manylinux_2_34"),
    ],
)
def test_wheels_are_for_the_system_that_the_runtime_has(runtime: str, architecture: str, platform: str) -> None:
    assert LambdaPlatform(runtime, architecture).platform == platform


@pytest.mark.parametrize(
    ("runtime", "architecture", "told"),
    [
        ("python3.9", "arm64", "the runtime 'python3.9'.\n  Choose one of python3.11, python3.12"),
        ("nodejs22.x", "arm64", "the runtime 'nodejs22.x'"),
        ("python3.13", "aarch64", "the architecture 'aarch64'.\n  Choose one of arm64, x86_64."),
    ],
)
def test_what_lambda_does_not_have_is_refused_with_what_it_has(runtime: str, architecture: str, told: str) -> None:
    with pytest.raises(PackagingError, match=told):
        LambdaPlatform(runtime, architecture)


def test_the_runtime_is_that_of_the_python_that_builds() -> None:
    runtime = default_runtime()

    assert runtime == f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert LambdaPlatform(runtime, "arm64").runs_own_bytecode


def test_a_python_that_lambda_does_not_have_yet_builds_for_another_and_says_what_that_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "version_info", Version(3, 99))

    with pytest.warns(
        UserWarning, match=r"no runtime python3\.99, so the packages are for python3\.13\. They have no bytecode"
    ):
        runtime = default_runtime()

    assert not LambdaPlatform(runtime, "arm64").runs_own_bytecode
