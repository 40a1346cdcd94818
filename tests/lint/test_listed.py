from importlib import import_module
from pathlib import Path

import pytest

from contradance import Choreography, Registry
from contradance.lint.listed import unlisted
from functions.choreography import food_delivery

HEAD = "import contradance\nfrom contradance import route, subscriber as consumes\n\n\n"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("@consumes()\ndef count(event: X) -> None: ...", ["statistics.count"]),
        ("@contradance.schedule('rate(1 day)')\ndef count() -> None: ...", ["statistics.count"]),
        ("@route('GET /x')\n@other\ndef one() -> X: ...\n\n\n@consumes()\ndef two(x: X) -> None: ...",
         ["statistics.one", "statistics.two"]),
        ("def count(event: X) -> None: ...", []),
        ("@subscriber()\ndef count(event: X) -> None: ...", []),
        ("def broken(:", []),
    ],
    ids=["renamed", "by the package", "two", "not decorated", "another decorator", "not Python"],
)  # fmt: skip
def test_a_decorated_handler_that_is_not_listed_is_found_without_an_import(
    tmp_path: Path, code: str, found: list[str]
) -> None:
    (tmp_path / "functions" / "statistics").mkdir(parents=True)
    (tmp_path / "functions" / "statistics" / "counting.py").write_text(HEAD + code + "\n", encoding="utf-8")

    findings = [*unlisted(food_delivery, tmp_path, "functions.choreography")]

    assert [one.about for one in findings] == found
    assert all("(functions/statistics/counting.py, line " in one.message for one in findings)
    assert all(one.fix.endswith("to functions=[...] in functions/choreography.py.") for one in findings)


def test_a_handler_in_the_package_of_its_service_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = HEAD.replace("import route", "import ForeignEvent, route") + (
        "class Signed(ForeignEvent, source='a', bus='default'):\n    pass\n\n\n"
        "@consumes()\ndef count(event: Signed) -> None: ...\n\n\n@consumes()\ndef sum_up(event: Signed) -> None: ...\n"
    )
    (tmp_path / "listed_parts" / "statistics").mkdir(parents=True)
    (tmp_path / "listed_parts" / "statistics" / "__init__.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    count = import_module("listed_parts.statistics").count
    shop = Choreography("shop", contracts=Registry("shop", []), functions=[count])

    findings = [*unlisted(shop, tmp_path, "listed_parts.choreography")]

    assert [one.about for one in findings] == ["statistics.sum_up"]


def test_every_handler_of_the_food_delivery_system_is_listed() -> None:
    assert [*unlisted(food_delivery, Path(__file__).parents[2], "functions.choreography")] == []
