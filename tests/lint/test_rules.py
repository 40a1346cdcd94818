"""Each rule, on a smallest choreography that breaks it and on one that does not."""

import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import pytest
from pydantic import BaseModel

from contradance import Choreography, Contract, Registry, Retry, Secret, Setting, Table, UnconsumedEvent, subscriber
from contradance.errors import InvalidStack
from contradance.infra import StackConfig
from contradance.infra.stack_files import archive_days
from contradance.lint.finding import LintFinding
from contradance.lint.rules import findings
from functions.choreography import food_delivery

ROOT = Path(__file__).parents[2]


class Mood(StrEnum):
    """How a reader feels."""

    GLAD = "glad"
    SAD = "sad"


class Asked(Contract, source="library.desk", subject="loan"):
    """A reader asked."""

    loan: str
    mood: Mood = Mood.GLAD


class Lent(Contract, source="library.loans", subject="loan"):
    """A book was lent."""

    loan: str


class Refused(Contract, source="library.shelves", subject="loan", failure=True):
    """A book was not there."""

    loan: str


class RefusedV2(
    Contract, source="library.shelves", detail_type="Refused", version=2, upcasts=Refused, subject="loan", failure=True
):
    """A book was not there, and it is known why; still published as version 1 too."""

    loan: str
    why: str

    @classmethod
    def upcast(cls, old: Refused) -> Self:
        return cls(loan=old.loan, why="unknown")

    def downcast(self) -> Refused:
        return Refused(loan=self.loan)


class Found(Contract, source="library.shelves", subject="loan"):
    """A book was there."""

    loan: str


class Row(BaseModel):
    """What is kept."""

    loan: str


rows = Table("rows", key=("loan",), model=Row, service="loans")
limit = Setting("limit", int, default=3)


@pytest.fixture(autouse=True)
def _may_be_unheard() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnconsumedEvent)
        yield


def found_in(*functions: Any, contracts: tuple[type[Contract], ...] | None = None, **options: Any) -> list[LintFinding]:
    """Return what is found in these functions and contracts."""
    spoken = [
        one for function in functions for one in (*getattr(function.trigger, "contracts", ()), *function.publishes)
    ]
    registry = Registry("library", contracts or spoken)
    return findings(Choreography("library", contracts=registry, functions=functions), **options)


def asking(service: str = "desk") -> Any:
    """Return what publishes Asked, so that it does not come out of nowhere."""
    from contradance import schedule  # noqa: PLC0415 - beside its only use

    def ask() -> Asked:
        return Asked(loan="1")

    return schedule("rate(1 day)", service=service)(ask)


def kinds(found: list[LintFinding]) -> list[str]:
    """Return the rules that were broken."""
    return [one.kind for one in found]


def test_an_event_without_publisher_and_subscriber_is_found() -> None:
    (found,) = found_in(contracts=(Lent,))

    assert found.name == "unused library.loans/Lent v1"
    assert "remove it from tests/lint/test_rules.py and from the registry" in found.fix


def test_an_event_without_a_publisher_is_found() -> None:
    @subscriber(service="loans")
    def lend(asked: Asked) -> None: ...

    (found,) = found_in(lend)

    assert found.name == "unpublished library.desk/Asked v1"
    assert found.message == "library.desk/Asked v1 has no publisher; its subscribers are loans.lend."


def test_an_old_version_that_a_subscriber_still_reads_is_not_found() -> None:
    class LentV2(Contract, source="library.loans", detail_type="Lent", version=2, upcasts=Lent, subject="loan"):
        """A book was lent."""

        loan: str

        @classmethod
        def upcast(cls, old: Lent) -> "LentV2":
            return cls(loan=old.loan)

    @subscriber(service="loans")
    def lend(asked: Asked) -> LentV2:
        return LentV2(loan=asked.loan)

    @subscriber(service="readers")
    def tell(lent: LentV2) -> None: ...

    assert found_in(asking(), lend, tell, contracts=(Asked, Lent, LentV2)) == []


def test_an_event_without_a_subscriber_is_found() -> None:
    (found,) = found_in(asking())

    assert found.name == "unconsumed library.desk/Asked v1"
    assert "contradance create subscriber NAME --service SERVICE --on Asked" in found.fix


def test_a_cycle_is_found_once_and_shown() -> None:
    @subscriber(service="loans")
    def lend(found: Found | Asked) -> Lent:
        return Lent(loan=found.loan)

    @subscriber(service="shelves")
    def look(lent: Lent) -> Found:
        return Found(loan=lent.loan)

    (found,) = found_in(asking(), lend, look)

    assert (found.kind, found.about) == ("cycle", "loans.lend shelves.look")
    assert (
        found.message == "loans.lend → shelves.look → loans.lend: the events of these functions lead back to the first."
    )


def test_a_function_that_leads_to_itself_is_found() -> None:
    @subscriber(service="loans")
    def lend(lent: Lent | Asked) -> Lent:
        return Lent(loan=lent.loan)

    assert kinds(found_in(asking(), lend)) == ["cycle"]


@pytest.mark.parametrize("undone", [True, False], ids=["undone", "not undone"])
@pytest.mark.parametrize("link", [rows.write, rows.read, Secret("gateway", on_laptop="x"), None], ids=str)
@pytest.mark.parametrize("published", [Refused, RefusedV2])
def test_what_was_done_before_a_failure_is_undone_after_it(undone: bool, link: Any, published: Any) -> None:
    @subscriber(service="loans", uses=[link] if link else [])
    def lend(asked: Asked) -> Lent:
        return Lent(loan=asked.loan)

    @subscriber(service="shelves")
    def look(lent: Lent) -> published:
        return published(loan=lent.loan)

    @subscriber(service="loans" if undone else "readers")
    def hear(refused: Refused) -> None: ...

    found = found_in(asking(), lend, look, hear, contracts=(Asked, Lent, *published.lineage()))

    acts = link is not None and link != rows.read
    assert kinds(found) == (["uncompensated"] if acts and not undone else [])
    assert all("contradance create subscriber NAME --service loans --on Refused" in one.fix for one in found)


def test_what_a_signature_promises_and_no_code_makes_is_found() -> None:
    @subscriber(service="shelves")
    def look(asked: Asked) -> Found | Refused:
        return Found(loan=asked.loan)

    @subscriber(service="readers")
    def tell(news: Found | Refused) -> None: ...

    assert found_in(asking(), look, tell) == []  # this module makes a Refused, in another function


def test_a_service_that_never_makes_what_it_promises_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "promising" / "shelves"
    folder.mkdir(parents=True)
    (folder / "look.py").write_text(
        "from contradance import subscriber\nfrom tests.lint.test_rules import Asked, Found, Refused\n\n\n"
        "@subscriber()\ndef look(asked: Asked) -> Found | Refused:\n    return Found(loan=asked.loan)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from promising.shelves.look import look  # type: ignore[import-not-found]  # noqa: PLC0415 - written just now

    @subscriber(service="readers")
    def tell(news: Found | Refused) -> None: ...

    (found,) = found_in(asking(), look, tell)

    assert found.name == "unreachable shelves.look library.shelves/Refused v1"


@pytest.mark.parametrize(("mood", "expected"), [("glad", []), ("angry", ["unreachable"])])
def test_a_filter_that_lets_nothing_through_is_found(mood: str, expected: list[str]) -> None:
    @subscriber(service="loans", where={Asked: {"mood": [mood]}})
    def lend(news: Asked | Found) -> None: ...

    @subscriber(service="shelves")
    def look(asked: Asked) -> Found:
        return Found(loan=asked.loan)

    assert kinds(found_in(asking(), lend, look)) == expected


@pytest.mark.parametrize(("days", "expected"), [(1, ["outlived"]), (2, [])])
def test_a_retry_that_outlives_the_archive_is_found(days: int, expected: list[str]) -> None:
    @subscriber(service="loans", delivery="queue", retry=Retry(times=5, max_age=timedelta(days=2)))
    def lend(asked: Asked) -> None: ...

    found = found_in(asking(), lend, archives={"dev": days})

    assert kinds(found) == expected
    assert all("keeps an event for 1 day." in one.message and "Pulumi.dev.yaml" in one.fix for one in found)


def test_the_days_of_each_archive_are_read_as_the_pulumi_program_reads_them(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: library\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: eu-central-1\n  library:archiveDays: 3\n")
    (tmp_path / "Pulumi.test.yaml").write_text('config:\n  library:archiveDays: "14"\n')
    (tmp_path / "Pulumi.prod.yaml").write_text(
        "config:\n  # library:archiveDays: 5\n  other:archiveDays: 6\n  aws:region: eu-central-1\n"
    )

    assert archive_days(tmp_path) == {"dev": 3, "prod": StackConfig().archive_days, "test": 14}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config:\n  library:archiveDays: 0\n", "archiveDays: Input should be greater than or equal to 1"),
        ("config:\n  library:archiveDays: many\n", "pulumi config set --stack dev 'archiveDays' VALUE"),
        ("config: [\n", "is not YAML"),
    ],
    ids=["too few", "not a number", "not YAML"],
)
def test_a_stack_file_that_cannot_be_read_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: library\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(text)

    with pytest.raises(InvalidStack, match=re.escape(message)):
        archive_days(tmp_path)


def test_the_days_of_each_archive_are_read_without_pulumi() -> None:
    code = "import contradance.infra.stack_files, sys; print('pulumi' in sys.modules)"

    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert printed == "False\n"


def test_a_finding_is_accepted_by_its_name_and_an_acceptance_that_is_not_needed_is_found() -> None:
    accepted = {"unconsumed library.desk/Asked v1": "another team consumes it", "cycle x": "gone"}

    (found,) = found_in(asking(), accepted=accepted)

    assert (found.kind, found.about) == ("stale", "cycle x")


def test_the_food_system_leaves_nothing_unfinished() -> None:
    assert findings(food_delivery, archive_days(ROOT)) == []


@pytest.mark.parametrize(
    "left_out", ["payments.reverse_payment", "orders.update_order_status", "loyalty.add_loyalty_points"]
)
def test_the_food_system_without_one_of_its_functions_is_unfinished_where_that_matters(left_out: str) -> None:
    functions = [one for name, one in food_delivery.functions.items() if name != left_out]
    found = findings(Choreography("food-delivery", contracts=food_delivery.contracts, functions=functions))

    expected = {
        "payments.reverse_payment": ["unpublished", "uncompensated"],
        "orders.update_order_status": ["uncompensated", "uncompensated"],
        "loyalty.add_loyalty_points": [],
    }
    assert kinds(found) == expected[left_out]


def store_row(loan: str) -> None:
    rows.put(Row(loan=loan))


def describe_row() -> Row | None:
    return rows.get("1")


@pytest.mark.parametrize(
    ("uses", "wanted"),
    [((), ["rows.write", "rows.read", "limit"]), ((rows.read,), ["rows.write", "limit"]), ((rows.write, limit), [])],
)
def test_what_a_handler_or_what_it_calls_uses_without_a_link_is_found(uses: tuple[Any, ...], wanted: list[str]) -> None:
    @subscriber(service="loans", uses=uses)
    def lend(asked: Asked) -> None:
        if limit.get() > 1:
            store_row(asked.loan)
        [describe_row() for _ in range(2)]

    found = found_in(asking(), lend)

    assert {one.name for one in found} == {f"unlinked loans.lend {name}" for name in wanted}
    assert all(one.fix == f"Add it: uses=[{one.about.split()[1]}]." for one in found)
