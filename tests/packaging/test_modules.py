import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance.packaging.modules import Modules, module_file
from tests.examples import examples
from tests.packaging.project import write

LAZY = (
    "if TYPE_CHECKING:\n    from goods.books import Book\n    from goods.maps import Map\ndef __getattr__(name): ...\n"
)


def needed(folder: Path, *roots: str) -> set[str]:
    return set(Modules([str(folder)]).needed(roots, lambda top: (folder / top).exists()).modules)


def test_the_packages_around_a_module_are_needed_and_what_they_import(modules: Path) -> None:
    write(
        modules,
        {"shop/__init__.py": "import log", "shop/a/__init__.py": "", "shop/a/till.py": "", "log/__init__.py": ""},
    )

    assert needed(modules, "shop.a.till") == {"shop", "shop.a", "shop.a.till", "log"}


def test_a_name_that_is_a_module_is_needed_and_one_that_is_not_is_none(modules: Path) -> None:
    write(
        modules, {"shop/__init__.py": "desk = 1", "shop/till.py": "", "run/__init__.py": "from shop import till, desk"}
    )

    assert needed(modules, "run") == {"run", "shop", "shop.till"}


def test_modules_that_import_each_other_are_needed_once(modules: Path) -> None:
    write(modules, {"a/__init__.py": "import b", "b/__init__.py": "import a"})

    assert needed(modules, "a") == {"a", "b"}


def test_a_package_needs_no_file_of_its_own(modules: Path) -> None:
    write(modules, {"shop/a/till.py": "from shop.b import desk", "shop/b/desk.py": ""})

    assert needed(modules, "shop.a.till") == {"shop.a.till", "shop.b.desk"}


def test_a_module_may_have_any_name_that_python_takes(modules: Path) -> None:
    write(modules, {"läden/__init__.py": "", "läden/größe.py": "from läden.名前 import x", "läden/名前.py": ""})

    assert needed(modules, "läden.größe") == {"läden", "läden.größe", "läden.名前"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from goods import Book", {"goods.books"}),
        ("from goods import Book, Map", {"goods.books", "goods.maps"}),
        ("from goods import price", set()),
        ("import goods", {"goods.books", "goods.maps"}),
        ("from goods import *", {"goods.books", "goods.maps"}),
        ("import goods.maps", {"goods.maps"}),
    ],
)
def test_a_name_of_a_lazy_package_needs_its_home_and_no_other(modules: Path, text: str, found: set[str]) -> None:
    write(modules, {"goods/__init__.py": LAZY, "goods/books.py": "", "goods/maps.py": "", "shop/__init__.py": text})

    assert needed(modules, "shop") == {"shop", "goods", *found}


def test_the_folder_decides_and_not_what_was_imported_before(modules: Path) -> None:
    write(modules, {"json/__init__.py": "import lights", "lights/__init__.py": ""})

    assert needed(modules, "json") == {"json", "lights"}


def test_what_is_imported_from_elsewhere_is_told_with_its_place(modules: Path) -> None:
    write(modules, {"shop/__init__.py": "\nfrom elsewhere import it\n"})

    found = Modules([str(modules)]).needed(["shop"], lambda top: top == "shop")

    ((file, imported),) = found.outside
    assert (file, imported.module, imported.name, imported.line) == (modules / "shop/__init__.py", "elsewhere", "it", 2)


MODULES = [f"{package}.{module}" for package in ("p", "q", "p.r") for module in ("a", "b", "c")]
STYLES = ["import {0}", "from {1} import {2}", "from {0} import __name__ as x", "def f():\n    pass\nimport {0} as y"]
imports = st.lists(st.tuples(st.sampled_from(MODULES), st.sampled_from(MODULES), st.sampled_from(STYLES)), max_size=14)


@given(imports)
@examples(15)
def test_exactly_what_python_loads_is_needed(
    tmp_path_factory: pytest.TempPathFactory, edges: list[tuple[str, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("graph")
    source = dict.fromkeys(["p/__init__.py", "q/__init__.py", "p/r/__init__.py"], "")
    source |= {f"{module.replace('.', '/')}.py": "" for module in MODULES}
    for importer, imported, style in edges:
        line = style.format(imported, *imported.rsplit(".", 1))
        source[f"{importer.replace('.', '/')}.py"] += line + "\n"
    write(folder, source)
    code = (
        f"import sys, json; sys.path.insert(0, {str(folder)!r}); import p.a\n"
        "print(json.dumps([name for name in sys.modules if name[0] in 'pq' and name.split('.')[0] in {'p', 'q'}]))"
    )

    command = [sys.executable, "-I", "-S", "-B", "-c", code]
    loaded = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert needed(folder, "p.a") == set(loaded)


@pytest.mark.parametrize(("path", "file"), [("x/b.py", "a/b.py"), ("x/b/__init__.py", "a/b/__init__.py")])
def test_a_module_has_its_place_under_the_path(path: str, file: str) -> None:
    assert module_file("a.b", Path(path)) == file
