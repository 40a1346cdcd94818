"""uv is found as a Python package, else on PATH."""

import shutil
import sys
from types import ModuleType

import pytest

from contradance.errors import PackagingError
from contradance.packaging import uv


def package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the Python package `uv` without its program, as a broken installation leaves it."""

    def find_uv_bin() -> str:
        raise FileNotFoundError("uv")

    broken = ModuleType("uv")
    broken.find_uv_bin = find_uv_bin  # type: ignore[attr-defined]  # a module has any
    monkeypatch.setitem(sys.modules, "uv", broken)
    monkeypatch.setattr(uv, "find_spec", lambda _: object())


def test_a_package_without_its_program_leaves_the_one_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    package(monkeypatch)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/uv")

    assert uv._find_uv() == "/usr/bin/uv"


def test_without_any_the_error_names_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    package(monkeypatch)
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(PackagingError, match="pip install uv"):
        uv._find_uv()
