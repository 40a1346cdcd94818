"""The fingerprint: equal choreographies have one, and what the outside can tell apart has another."""

import subprocess
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from contradance import Choreography, Contract, Registry, Retry, Secret, Setting, Table, schedule, subscriber
from contradance.fingerprint import fingerprint
from functions.choreography import food_delivery


class BookLent(Contract, source="library.loans", subject="loan_id"):
    """A reader took a book home."""

    loan_id: UUID


class Loan(BaseModel):
    """A loan."""

    loan_id: UUID


loans = Table("loans", key=("loan_id",), model=Loan, service="readers")


def library(**options: Any) -> Choreography:
    @subscriber(service="readers", **options)
    def remind_reader(lent: BookLent) -> None:
        pass

    return Choreography("library", contracts=Registry("library", [BookLent]), functions=[remind_reader])


def test_it_is_the_same_in_another_process() -> None:
    code = (
        "from contradance.fingerprint import fingerprint; from functions.choreography import food_delivery; "
        "print(fingerprint(food_delivery))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == fingerprint(food_delivery)


def test_two_equal_choreographies_have_one() -> None:
    assert fingerprint(library(uses=[loans.read])) == fingerprint(library(uses=[loans.read]))


@pytest.mark.parametrize(
    "options",
    [
        {"retry": Retry(times=1)},
        {"retry": Retry(max_age=timedelta(hours=1))},
        {"delivery": "queue"},
        {"batch": 3},
        {"on_replay": "skip"},
        {"where": {"loan_id": [{"prefix": "a"}]}},
        {"timeout": timedelta(seconds=9)},
        {"memory": 512},
        {"concurrency": 9},
        {"uses": [loans.read]},
        {"uses": [loans.write]},
        {"uses": [Setting("fee", int, default=1)]},
        {"uses": [Setting("fee", int, default=2)]},
        {"uses": [Secret("key")]},
    ],
)
def test_what_is_declared_otherwise_has_another(options: dict[str, Any]) -> None:
    others = [{}, {"uses": [Setting("fee", int, default=3)]}]

    assert fingerprint(library(**options)) not in {fingerprint(library(**other)) for other in others}


def test_a_contract_that_says_more_has_another() -> None:
    class More(Contract, source="library.loans", subject="loan_id", detail_type="BookLent"):
        """A reader took a book home."""

        loan_id: UUID
        branch: str = "main"

    @subscriber(service="readers")
    def remind_reader(lent: More) -> None:
        pass

    more = Choreography("library", contracts=Registry("library", [More]), functions=[remind_reader])

    assert fingerprint(more) != fingerprint(library())


def test_a_schedule_counts() -> None:
    def at(expression: str) -> str:
        @schedule(expression, service="loans")
        def look() -> None:
            pass

        return fingerprint(Choreography("library", contracts=Registry("library", [BookLent]), functions=[look]))

    assert at("rate(1 day)") != at("rate(2 days)")
    assert at("rate(1 day)") == at("rate(1 day)")


def test_a_part_has_one_of_its_own() -> None:
    some = [each for each in food_delivery.functions.values() if each.service == "payments"]

    assert fingerprint(food_delivery, some) != fingerprint(food_delivery)
