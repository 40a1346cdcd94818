"""Freezing: what is written, what is kept, what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from contradance import Registry
from contradance.catalog.freezing import freeze_contracts
from contradance.errors import BrokenPromise, DeclarationError, InvalidSchema
from contradance.schemas import changes, frozen_state, promised, read_folder, read_frozen
from tests.schemas.library import BookLent, BookLentV2, BookReturned, changed, count, lend, library, remind

NOTE = changed(BookLent, note=(str | None, Field(default=None, max_length=9)))


def frozen(folder: Path, *contracts: Any) -> list[str]:
    return [*freeze_contracts(Registry("library", contracts), folder).lines(folder)]


def test_a_new_contract_gets_a_file_of_its_own(tmp_path: Path) -> None:
    told = frozen(tmp_path, BookLent, BookReturned)

    assert told == [
        "new  library.loans/BookLent v1  library.loans/BookLent/v1.json",
        "new  library.loans/BookReturned v1  library.loans/BookReturned/v1.json",
    ]
    written = json.loads((tmp_path / "library.loans/BookLent/v1.json").read_text())
    assert written["subject"] == "loan_id"
    assert written["personal"] == ["reader"]
    assert written["earlier"] == []
    assert written["schema"]["properties"]["days"]["minimum"] == 1


def test_freezing_twice_changes_nothing(tmp_path: Path) -> None:
    frozen(tmp_path, BookLent)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}

    assert frozen(tmp_path, BookLent) == []
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before


def test_a_compatible_change_is_written_and_the_state_before_is_kept(tmp_path: Path) -> None:
    frozen(tmp_path, BookLent)

    assert frozen(tmp_path, NOTE) == ["changed  library.loans/BookLent v1  library.loans/BookLent/v1.json"]
    (one,) = read_folder(tmp_path).values()
    assert [sorted(state["properties"]) for state in one.states] == [
        ["days", "loan_id", "reader"],
        ["days", "loan_id", "note", "reader"],
    ]
    assert "description" not in one.earlier[0]["properties"]["reader"]


def test_other_words_are_no_other_state(tmp_path: Path) -> None:
    frozen(tmp_path, BookLent)

    frozen(tmp_path, changed(BookLent, days=(int, Field(ge=1, description="How long."))))

    (one,) = read_folder(tmp_path).values()
    assert one.earlier == ()
    assert one.schema_["properties"]["days"]["description"] == "How long."


def test_a_breaking_change_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    frozen(tmp_path, BookLent)

    with pytest.raises(BrokenPromise) as refused:
        freeze_contracts(library(changed(BookLent, days=(int, Field(ge=7))), BookReturned, functions=()), tmp_path)

    assert str(refused.value) == (
        "1 change breaks the frozen contracts\n"
        "  library.loans/BookLent v1: days must now be at least 7, was at least 1: "
        "new consumers refuse old events.\n"
        "    published by no known function, consumed by no known function; contract in tests/schemas/library.py\n"
        "    Undo it, or publish the new shape as version 2: class BookLentV2(Contract, source='library.loans', "
        "detail_type='BookLent', version=2, upcasts=...)."
    )
    assert [path.name for path in tmp_path.rglob("*.json")] == ["v1.json"]


def test_a_state_that_was_left_is_still_promised(tmp_path: Path) -> None:
    frozen(tmp_path, NOTE)
    frozen(tmp_path, BookLent)

    with pytest.raises(BrokenPromise, match="note may no longer be a text: new consumers refuse"):
        frozen(tmp_path, changed(BookLent, note=(int | None, Field(default=None))))


def test_looking_writes_nothing(tmp_path: Path) -> None:
    looked = freeze_contracts(Registry("library", [BookLent]), tmp_path, write_files=False)

    assert [*looked.lines(tmp_path)] == ["would be new  library.loans/BookLent v1  library.loans/BookLent/v1.json"]
    assert [*tmp_path.iterdir()] == []


def test_another_applications_contracts_are_theirs_to_promise(tmp_path: Path) -> None:
    assert [*freeze_contracts(Registry("marketing", [BookLent]), tmp_path).lines(tmp_path)] == []


# Dropping a version


def test_a_version_is_not_dropped_by_forgetting_it(tmp_path: Path) -> None:
    frozen(tmp_path, BookLent, BookReturned)

    with pytest.raises(
        BrokenPromise, match=r'To drop it, run: contradance contracts freeze --drop "library.loans/BookReturned v1"'
    ):
        frozen(tmp_path, BookLent)


def test_a_version_that_nobody_reads_is_dropped_when_that_is_said(tmp_path: Path) -> None:
    frozen(tmp_path, BookLent, BookReturned)

    told = freeze_contracts(Registry("library", [BookLent]), tmp_path, dropping=["BookReturned v1"]).lines(tmp_path)

    assert [*told] == ["dropped  library.loans/BookReturned v1  library.loans/BookReturned/v1.json"]
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [
        "library.loans",
        "library.loans/BookLent",
        "library.loans/BookLent/v1.json",
    ]


def test_a_version_that_a_subscribers_pattern_takes_is_not_dropped(tmp_path: Path) -> None:
    frozen(tmp_path, BookLent, BookLentV2)

    with pytest.raises(BrokenPromise) as refused:
        freeze_contracts(library(BookLentV2, functions=(count,)), tmp_path, dropping=["BookLent v1"])

    assert str(refused.value).splitlines()[1:] == [
        "  library.loans/BookLent v1: there is a frozen version, but the registry does not contain the contract.",
        "    published by no known function, consumed by statistics.count",
        "    Keep it in the registry as long as statistics.count reads it.",
    ]


def test_what_is_dropped_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="'Nothing v1' is not a known contract"):
        freeze_contracts(Registry("library", [BookLent]), tmp_path, dropping=["Nothing v1"])


# Beside the schema


def test_another_subject_breaks_both_sides() -> None:
    frozen_before = frozen_state(BookLent)
    now = frozen_before.model_copy(update={"subject": "reader"})

    assert [(change.rule, set(change.breaks)) for change in changes(frozen_before, now)] == [
        ("subject", {"backward", "forward"})
    ]


def test_marks_are_told_and_break_nobody() -> None:
    now = frozen_state(changed(BookLent, reader=(str, Field(max_length=40)))).model_copy(update={"failure": True})

    found = changes(frozen_state(BookLent), now)

    assert [(change.path, change.rule, set(change.breaks)) for change in found] == [
        ("", "failure-mark", set()),
        ("reader", "personal-mark", set()),
    ]


def test_a_version_that_is_no_longer_upcast_is_no_longer_read(tmp_path: Path) -> None:
    frozen(tmp_path, BookLent, BookLentV2)
    alone = changed(BookLentV2)

    with pytest.raises(BrokenPromise, match="v1 is no longer upcast"):
        frozen(tmp_path, BookLent, alone)
    dropped = freeze_contracts(Registry("library", [alone]), tmp_path, dropping=["BookLent v1"])
    assert [one.identity.version for one in dropped.plan.dropped] == [1]


# Reading


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"{", "Invalid JSON"), (b"[]", "should be an object"), (b"{}", "source"), (b'{"source": "\xff"}', "unicode")],
)
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "library.loans" / "BookLent" / "v1.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    with pytest.raises(InvalidSchema, match=f"(?s)library.loans/BookLent/v1.json is not a frozen contract.*{told}"):
        read_folder(tmp_path)


def test_a_file_in_another_place_is_refused(tmp_path: Path) -> None:
    frozen(tmp_path, BookLent)
    (tmp_path / "library.loans/BookLent/v1.json").rename(tmp_path / "library.loans/BookLent/v7.json")

    with pytest.raises(InvalidSchema, match=r"Move it to library.loans/BookLent/v1.json"):
        read_folder(tmp_path)


def test_what_a_stack_says_is_read_as_it_was_written() -> None:
    said = promised([BookLent, BookLentV2])

    assert [*said] == ["library.loans/BookLent v1", "library.loans/BookLent v2"]
    assert read_frozen(json.dumps(said["library.loans/BookLent v2"]), "it").upcasts == 1


def test_handlers_are_no_part_of_a_promise(tmp_path: Path) -> None:
    freeze_contracts(library(BookLent, functions=(lend, remind)), tmp_path)

    assert freeze_contracts(library(BookLent, functions=(remind,)), tmp_path).plan.empty
