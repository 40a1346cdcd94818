import hashlib
from base64 import urlsafe_b64encode
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import contradance
from contradance.scaffold.application import COPIED, application_files
from contradance.scaffold.wheel import build_wheel, version, wheel_name

ARCHIVE = ZipFile(BytesIO(build_wheel()))
INFO = f"contradance-{version()}.dist-info"


def test_it_holds_the_package_as_it_is_installed_templates_and_marker_included() -> None:
    package = Path(contradance.__file__).parent
    files = {
        f"contradance/{path.relative_to(package)}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    packed = {name for name in ARCHIVE.namelist() if name.startswith("contradance/")}

    application = {f"contradance/{COPIED}/{path}" for path in application_files()}
    assert packed == files | application
    assert "contradance/py.typed" in packed
    assert any(name.endswith(".tmpl") for name in packed)


def test_it_says_nothing_of_this_machine() -> None:
    names = {name.rpartition("/")[2] for name in ARCHIVE.namelist()}

    assert not names & {"direct_url.json", "INSTALLER", "REQUESTED"}
    assert "entry_points.txt" in names


def test_its_record_is_true() -> None:
    lines = ARCHIVE.read(f"{INFO}/RECORD").decode().splitlines()
    recorded = {name: digest for name, digest, _ in (line.rsplit(",", 2) for line in lines)}

    assert set(recorded) == set(ARCHIVE.namelist())
    for name, digest in recorded.items():
        if name != f"{INFO}/RECORD":
            found = urlsafe_b64encode(hashlib.sha256(ARCHIVE.read(name)).digest()).rstrip(b"=").decode()
            assert digest == f"sha256={found}"


def test_the_same_contradance_makes_the_same_bytes() -> None:
    assert build_wheel() == build_wheel()
    assert wheel_name() == f"contradance-{version()}-py3-none-any.whl"
