import pytest

from contradance.testing import Run, assert_choreography, sample
from tests.testing.library import Asked, BookLent


def test_a_run_that_is_not_kept_yet_is_shown_with_how_to_keep_it(run: Run) -> None:
    run.request("POST", "/loans", sample(Asked))
    run.drain()

    with pytest.raises(AssertionError, match=r"there is no choreographies/a_loan\.txt yet") as told:
        assert_choreography(run, "a_loan")

    assert "write it: pytest --update-choreographies" in str(told.value)
    assert not run.goldens.exists()


def test_a_run_is_kept_and_is_the_same_again(run: Run) -> None:
    run.request("POST", "/loans", sample(Asked))
    run.drain()
    run.update = True
    assert_choreography(run, "a_loan")
    run.update = False

    assert_choreography(run, "a_loan")

    assert (run.goldens / "a_loan.txt").read_text(encoding="utf-8").startswith("POST /loans  desk.ask\n└─ BookAsked\n")


def test_a_run_that_went_another_way_is_shown_line_by_line(run: Run) -> None:
    run.goldens.mkdir()
    (run.goldens / "a_loan.txt").write_text("BookLent\n└─ readers.tell\n", encoding="utf-8")
    run.publish(BookLent(loan="late", number=1))
    run.drain()

    with pytest.raises(AssertionError) as told:
        assert_choreography(run, "a_loan")

    assert "-└─ readers.tell\n+└─ readers.tell  in attempt 2\n" in str(told.value)


def test_a_delivery_that_waits_and_one_that_is_given_up_are_told_apart(run: Run) -> None:
    run.publish(BookLent(loan="never", number=1))
    run.drain()
    run.update = True

    assert_choreography(run, "never")

    assert (run.goldens / "never.txt").read_text(encoding="utf-8") == (
        "BookLent\n└─ readers.tell  failed in attempt 3: dead letter\n"
    )
    run.dead_letters()
