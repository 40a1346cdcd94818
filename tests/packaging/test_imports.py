from pathlib import Path

import pytest

from contradance.errors import PackagingError
from contradance.packaging.imports import read_imports
from tests.packaging.project import write


def names(folder: Path, text: str, module: str = "shop.till", file: str = "till.py") -> set[str]:
    """Return what is imported at run time, as `module:name`."""
    write(folder, {file: text})
    found = read_imports(folder / file, module).at_run_time
    return {f"{imported.module}:{imported.name}" if imported.name else imported.module for imported in found}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import a.b, c as d", {"a.b", "c"}),
        ("from a import b as c, d", {"a:b", "a:d"}),
        ("from a import *", {"a"}),
        ("from . import b", {"shop:b"}),
        ("from .b import c", {"shop.b:c"}),
        ("def f():\n    import a", {"a"}),
        ("class A:\n    from a import b", {"a:b"}),
        ("with x:\n    for y in z:\n        import a", {"a"}),
        ("match x:\n    case 1:\n        import a", {"a"}),
        ("# -*- coding: latin-1 -*-\nimport a", {"a"}),
        ("", set()),
    ],
)
def test_every_import_is_found_wherever_it_stands(modules: Path, text: str, found: set[str]) -> None:
    assert names(modules, text) == found


def test_a_package_imports_from_itself_with_one_dot(modules: Path) -> None:
    assert names(modules, "from . import a\nfrom .b import c", "shop", "__init__.py") == {"shop:a", "shop.b:c"}


def test_two_dots_lead_to_the_package_around(modules: Path) -> None:
    assert names(modules, "from ..b import c", "shop.desk.till") == {"shop.b:c"}


@pytest.mark.parametrize(
    "guard", ["if TYPE_CHECKING", "if typing.TYPE_CHECKING", "if t.TYPE_CHECKING", "if not TYPE_CHECKING"]
)
def test_what_only_a_type_checker_imports_is_left_out(modules: Path, guard: str) -> None:
    for_typing, at_run_time = ("b", "a") if "not" in guard else ("a", "b")

    found = names(modules, f"{guard}:\n    import a\nelse:\n    import b\n")

    assert found == {at_run_time}
    assert for_typing not in found


def test_an_import_that_may_fail_is_optional_and_so_is_what_takes_its_place(modules: Path) -> None:
    text = "try:\n    import a\nexcept ImportError:\n    import b\nelse:\n    import c\ntry:\n    import d\nexcept KeyError:\n    pass"
    write(modules, {"x.py": text})

    found = read_imports(modules / "x.py", "x").at_run_time

    assert {imported.module: imported.optional for imported in found} == {"a": True, "b": True, "c": False, "d": False}


def test_only_a_lazy_package_promises_what_it_names_for_type_checkers(modules: Path) -> None:
    guarded = "if TYPE_CHECKING:\n    from shop.till import Till as Desk\n"
    write(modules, {"lazy.py": guarded + "def __getattr__(name): ...", "eager.py": guarded})

    lazy, eager = (read_imports(modules / f"{name}.py", name).lazy for name in ("lazy", "eager"))

    assert {bound: imported[:2] for bound, imported in lazy.items()} == {"Desk": ("shop.till", "Till")}
    assert eager == {}


@pytest.mark.parametrize("text", ["def", "\0", "import a\n  import b"])
def test_a_module_that_is_no_python_is_refused_with_its_place(modules: Path, text: str) -> None:
    with pytest.raises(
        PackagingError, match=r"a\.folder/till\.py is not valid Python: .*\n  Lambda could not import shop\.till"
    ):
        names(modules, text)
