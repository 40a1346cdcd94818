import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path, PurePosixPath

import pytest

from contradance.deployed import SWEEPER
from contradance.errors import PackagingError
from contradance.packaging import Packages
from contradance.packaging.lambda_platform import LambdaPlatform
from contradance.packaging.layer import layer_key, make_layer, top_level_modules
from contradance.packaging.lock import NAME, PROVIDED, read_lock
from contradance.packaging.rooms import lambda_modules
from contradance.packaging.uv import run_uv
from tests.packaging.project import ROOT, Unpacked, names_in

NOT_ON_LAMBDA = (
    "catalog",
    "cli",
    "compatibility",
    "deployed",
    "infra",
    "local",
    "operate",
    "packaging",
    "project",
    "testing",
)

LOCK = read_lock(ROOT)
SMALL = LOCK[LOCK.index(b"annotated-types") : LOCK.index(b"aws-lambda-powertools")]
"""The lock of one small wheel."""


@pytest.fixture(scope="module")
def names(for_lambda: Packages) -> list[PurePosixPath]:
    return [PurePosixPath(name) for name in names_in(for_lambda.layer)]


def test_everything_lies_where_lambda_puts_it_on_the_path(names: list[PurePosixPath]) -> None:
    assert {name.parts[0] for name in names} == {"python"}


def test_the_layer_holds_what_functions_need_and_nothing_of_the_laptop_or_the_deploy_host(
    names: list[PurePosixPath],
) -> None:
    tops = top_level_modules(map(str, names))

    assert {"contradance", "pydantic", "pydantic_core", "aws_lambda_powertools"} <= tops
    assert not {"boto3", "botocore", "pulumi", "pulumi_aws", "starlette", "typer", "rich", "uvicorn"} & tops
    assert not {"food_contracts", "functions", "tests"} & tops


def test_of_contradance_only_the_runtime_and_what_authors_import_travel(names: list[PurePosixPath]) -> None:
    inside = {
        PurePosixPath(*name.parts[2:]).with_suffix("").parts[0] for name in names if name.parts[1] == "contradance"
    }

    assert {"__init__", "runtime", "choreography", "contract", "decorator", "table"} <= inside
    assert not inside & {*NOT_ON_LAMBDA}


def test_every_name_of_the_public_api_is_there(unpacked: Unpacked) -> None:
    code = "import contradance, json; print(json.dumps([getattr(contradance, n).__name__ for n in contradance.__all__ if n != 'PII']))"

    assert "Choreography" in unpacked.run(SWEEPER, code)


def test_every_module_of_the_runtime_is_there_and_needs_nothing_but_the_layer_and_what_lambda_has(
    unpacked: Unpacked,
) -> None:
    code = (
        "import importlib, json, pkgutil, contradance.runtime as runtime\n"
        "found, missing = [], set()\n"
        "for module in pkgutil.walk_packages(runtime.__path__, 'contradance.runtime.'):\n"
        "    found.append(module.name)\n"
        "    try:\n"
        "        importlib.import_module(module.name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        missing.add(error.name)\n"
        "print(json.dumps([found, list(missing)]))"
    )

    found, missing = unpacked.run(SWEEPER, code)

    runtime = (ROOT / "contradance" / "runtime").rglob("*.py")
    there = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in runtime}
    assert {"contradance.runtime", *found} == there
    assert set(missing) <= {*PROVIDED, "opentelemetry"}  # only where the process has loaded it


def test_a_wheels_own_version_can_be_asked(unpacked: Unpacked) -> None:
    code = "import importlib.metadata, json; print(json.dumps(importlib.metadata.version('pydantic')))"

    assert f"pydantic=={unpacked.run(SWEEPER, code)} " in (ROOT / NAME).read_text(encoding="utf-8")


def test_no_file_says_where_or_by_whom_it_was_built(for_lambda: Packages, names: list[PurePosixPath]) -> None:
    assert not {"RECORD", "direct_url.json", "INSTALLER", "REQUESTED"} & {name.name for name in names}
    with zipfile.ZipFile(for_lambda.layer) as zipped:
        contents = [zipped.read(str(name)) for name in names]
    assert not [name for name, content in zip(names, contents, strict=True) if str(ROOT).encode() in content]


def test_native_code_is_lambdas_and_not_this_machines(for_lambda: Packages, names: list[PurePosixPath]) -> None:
    native = [str(name) for name in names if ".so" in name.suffixes]

    assert native
    with zipfile.ZipFile(for_lambda.layer) as zipped:
        headers = {zipped.read(name)[:20] for name in native}
    assert {(header[:4], header[18:20]) for header in headers} == {(b"\x7fELF", b"\xb7\x00")}  # 183 is AArch64


def test_every_module_has_bytecode_of_the_runtimes_python_that_is_never_compared_with_its_source(
    for_lambda: Packages, names: list[PurePosixPath]
) -> None:
    tag = sys.implementation.cache_tag
    sources = {name for name in names if name.suffix == ".py"}
    compiled = {name for name in names if name.suffix == ".pyc"}

    assert compiled == {name.parent / "__pycache__" / f"{name.stem}.{tag}.pyc" for name in sources}
    with zipfile.ZipFile(for_lambda.layer) as zipped:
        heads = {zipped.read(str(name))[:8] for name in compiled}
    assert heads == {MAGIC_NUMBER + (1).to_bytes(4, "little")}


def test_of_all_that_a_function_loads_only_its_own_modules_are_compiled_when_it_starts(unpacked: Unpacked) -> None:
    code = (
        "import json\n"
        "compiled = []\n"
        "sys.addaudithook(lambda event, given: event == 'compile' and compiled.append(str(given[1])))\n"
        "import functions.loyalty.add_loyalty_points, contradance.runtime.aws.entry\n"
        "print(json.dumps([name for name in compiled if name.endswith('.py')]))"
    )

    compiled = {Path(name) for name in unpacked.run("loyalty.add_loyalty_points", code)}

    assert compiled == set(unpacked.task("loyalty.add_loyalty_points").rglob("*.py"))


def test_another_pythons_bytecode_is_never_shipped() -> None:
    foreign = "python3.14" if sys.version_info < (3, 14) else "python3.13"

    layer = make_layer(ROOT, SMALL, lambda_modules(), LambdaPlatform(foreign, "arm64"))

    assert b".pyc" not in layer


def test_the_layer_is_far_smaller_than_what_pip_and_zip_would_make(for_lambda: Packages, tmp_path: Path) -> None:
    # uv unpacks the wheels that pip would, in a tenth of the time; bytecode, which pip adds, would make it larger still.
    run_uv(
        *("pip", "install", "--target", str(tmp_path / "python"), "--constraints", "constraints.txt"),
        *("--python-platform", "aarch64-manylinux2014", "--only-binary", ":all:"),
        *("pydantic", "aws-lambda-powertools", "boto3"),
        folder=ROOT,
        what="what pip would install cannot be",
    )
    with zipfile.ZipFile(tmp_path / "default.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in (tmp_path / "python").rglob("*"):
            zipped.write(path, path.relative_to(tmp_path))

    assert for_lambda.layer.stat().st_size <= 0.6 * (tmp_path / "default.zip").stat().st_size


def test_a_wheel_that_the_platform_does_not_have_is_told_in_uvs_words() -> None:
    lock = b"pywin32==311 --hash=sha256:" + b"0" * 64

    with pytest.raises(PackagingError) as caught:
        make_layer(ROOT, lock, {}, LambdaPlatform("python3.13", "arm64"))

    assert "requirements-lambda.txt for python3.13 on arm64 cannot be installed.\n  uv: " in str(caught.value)
    assert "pywin32==311 has no wheels with a matching platform tag" in " ".join(str(caught.value).split())


def test_a_wheel_that_is_not_the_one_that_was_locked_is_refused() -> None:
    lock = b"annotated-types==0.8.0 --hash=sha256:" + b"0" * 64

    with pytest.raises(PackagingError, match=r"cannot be installed\.\n  uv: (.|\n)*Hash mismatch"):
        make_layer(ROOT, lock, {}, LambdaPlatform("python3.13", "arm64"))


def test_a_pin_without_a_hash_is_refused() -> None:
    with pytest.raises(PackagingError, match=r"uv: (.|\n)*hash"):
        make_layer(ROOT, b"annotated-types==0.8.0\n", {}, LambdaPlatform("python3.13", "arm64"))


@pytest.mark.parametrize(("limit", "what"), [("MAX_UNPACKED_BYTES", "unpacked"), ("MAX_ZIP_BYTES", "zipped")])
def test_a_layer_that_lambda_would_refuse_is_refused_here(
    monkeypatch: pytest.MonkeyPatch, limit: str, what: str
) -> None:
    monkeypatch.setattr(f"contradance.packaging.layer.{limit}", 100)

    with pytest.raises(PackagingError, match=rf"the layer is \d+ MB {what}, and Lambda's limit is 0 MB"):
        make_layer(ROOT, SMALL, {}, LambdaPlatform("python3.13", "arm64"))


@pytest.mark.parametrize(
    ("lock", "changed", "target"),
    [
        (LOCK + b"\n", False, LambdaPlatform("python3.13", "arm64")),
        (LOCK, True, LambdaPlatform("python3.13", "arm64")),
        (LOCK, False, LambdaPlatform("python3.14", "arm64")),
        (LOCK, False, LambdaPlatform("python3.13", "x86_64")),
    ],
)
def test_a_layer_of_anything_else_has_another_name(
    tmp_path: Path, lock: bytes, changed: bool, target: LambdaPlatform
) -> None:
    room = tmp_path / "contract.py"
    room.write_text("before")
    before = layer_key(LOCK, {"contradance.contract": room}, LambdaPlatform("python3.13", "arm64"))
    room.write_text("after" if changed else "before")

    assert layer_key(lock, {"contradance.contract": room}, target) != before
