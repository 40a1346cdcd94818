import sys
from typing import Any

import pytest
from pydantic import Field

from contradance import Contract
from contradance.catalog.casts import check_casts
from contradance.errors import InvalidContract


class Lent(Contract, source="library.loans", subject="loan"):
    loan: str = Field(examples=["loan-1"])
    days: int = Field(examples=[7])


def second(upcast: Any, downcast: Any) -> type[Contract]:
    """Return version 2 with these casts."""

    class LentV2(Contract, source="library.loans", detail_type="Lent", version=2, upcasts=Lent, subject="loan"):
        loan: str = Field(examples=["loan-1"])
        hours: int = Field(ge=1, examples=[168])

        @classmethod
        def upcast(cls, old: Lent) -> Any:
            return upcast(cls, old)

        def downcast(self) -> Any:
            return downcast(self)

    return LentV2


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError


def fail() -> None:
    raise Mute


def up(cls: Any, old: Lent) -> Any:
    return cls(loan=old.loan, hours=24 * old.days)


def down(new: Any) -> Lent:
    return Lent(loan=new.loan, days=new.hours // 24)


@pytest.mark.parametrize(
    ("upcast", "downcast", "why"),
    [
        (lambda cls, old: cls(**dict(old), hours=1), down, r"LentV2\.upcast .* not make a valid event .*days: Extra inputs"),
        (lambda cls, old: cls(loan=old.title), down, r"LentV2\.upcast .* raises AttributeError for the example"),
        (lambda cls, old: sys.exit(0), down, r"LentV2\.upcast .* raises SystemExit for the example: 0\."),
        (lambda cls, old: fail(), down, r"LentV2\.upcast .* raises Mute for the example: its text cannot be read"),
        (lambda cls, old: old, down, r"LentV2\.upcast .* returns Lent, not LentV2"),
        (lambda cls, old: None, down, r"LentV2\.upcast .* returns None, not LentV2"),
        (up, lambda new: Lent.model_validate({"loan": new.loan}), r"LentV2\.downcast .* not make a valid event .*days: Field required"),
        (up, lambda new: 1 / 0, r"LentV2\.downcast .* raises ZeroDivisionError"),
        (up, lambda new: new, r"LentV2\.downcast .* returns LentV2, not Lent"),
    ],
)  # fmt: skip
def test_a_cast_that_fails_for_an_example_is_refused(upcast: Any, downcast: Any, why: str) -> None:
    with pytest.raises(InvalidContract, match=why) as refused:
        check_casts([Lent, second(upcast, downcast)])

    version = 1 if "upcast" in why else 2
    assert str(refused.value).endswith(f"Repair it. The example: contradance events sample 'Lent v{version}'")


def test_casts_that_fit_are_not_refused() -> None:
    check_casts([Lent, second(up, down)])
