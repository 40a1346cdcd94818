import subprocess
import sys
from pathlib import Path

import pytest

from tests.forking import ROOT, tools


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a project whose choreography is the tests' own library."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.contradance]\nchoreography = "tests.testing.library:library"\n'
        '[tool.pytest.ini_options]\naddopts = ["--strict-markers", "-p", "no:cacheprovider"]\n'
    )
    return tmp_path


def outcome_of(project: Path, text: str, *options: str, typed: str = "") -> tuple[int, str]:
    """Return (exit code, output) of pytest in a process of its own."""
    (project / "test_it.py").write_text(
        f"from contradance.testing import assert_choreography, sample\n{LIBRARY}\n{text}"
    )
    done = tools.run(
        *("-m", "pytest", "-q", "--rootdir", str(project), *options),
        cwd=project,
        typed=typed,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    return done.returncode, done.stdout + done.stderr


LIBRARY = "import pytest\nfrom tests.testing.library import BookAsked, BookLent, BookRefused"


def test_the_fixture_runs_the_projects_choreography_with_the_markers_settings(project: Path) -> None:
    code, told = outcome_of(
        project,
        "def test_it(run):\n    run.publish(sample(BookAsked))\n    run.drain()\n    run.assert_published(BookLent)\n\n"
        "@pytest.mark.choreography(seed=3, settings={'most_loans': 0})\n"
        "def test_none(run):\n    run.publish(sample(BookAsked))\n    run.drain()\n    run.assert_published(BookRefused)\n",
    )

    assert code == 0, told


def test_a_dead_letter_that_the_test_does_not_ask_about_fails_it(project: Path) -> None:
    code, told = outcome_of(
        project, "def test_it(run):\n    run.publish(BookLent(loan='never', number=1))\n    run.drain()\n"
    )

    assert code == 1
    assert "1 event became a dead letter, which the test does not expect" in told
    assert "readers.tell failed at BookLent (event " in told
    assert "attempt 3, a dead letter:" in told
    assert told.count('raise ConnectionError("the post is closed")') == 1
    assert "ConnectionError: the post is closed" in told
    assert "contradance/testing" not in told
    assert "1 failed" in told
    assert "error" not in told.splitlines()[-1]


def test_a_debugger_stops_where_it_was_raised(project: Path) -> None:
    text = "def test_it(run):\n    run.publish(BookLent(loan='never', number=1))\n    run.drain()\n"

    _, told = outcome_of(project, text, "--pdb", typed="p 'loan is ' + news.loan\nq\n")

    assert "tests/testing/library.py" in told
    assert "-> raise ConnectionError" in told
    assert "loan is never" in told


def test_a_failing_assertion_is_shown_with_what_failed_and_without_the_plugins_source(project: Path) -> None:
    text = "def test_it(run):\n    run.publish(BookLent(loan='never', number=1))\n    run.drain()\n"

    code, told = outcome_of(project, f"{text}    run.assert_published(BookLent)\n")

    assert code == 1
    assert "BookLent was never published" in told
    assert told.count('raise ConnectionError("the post is closed")') == 1
    assert "contradance/testing" not in told
    assert ">       run.assert_published(BookLent)" in told or ">   run.assert_published(BookLent)" in told


def test_a_request_that_fails_is_shown_with_its_traceback(project: Path) -> None:
    text = "def test_it(run):\n    assert run.request('POST', '/loans', {'loan': 'broken'}).status == 201\n"

    code, told = outcome_of(project, text)

    assert code == 1
    assert "Failed in the choreography" in told
    assert "desk.ask failed at POST /loans, answered with 500:" in told
    assert "ZeroDivisionError" in told


def test_the_marker_delivers_to_some_functions_only(project: Path) -> None:
    code, told = outcome_of(
        project,
        "@pytest.mark.choreography(only='loans')\n"
        "def test_it(run):\n    run.publish(sample(BookAsked))\n    run.drain()\n"
        "    run.assert_published(BookLent)\n    run.assert_not_delivered(BookLent, to='readers.tell')\n",
    )

    assert code == 0, told


def test_the_option_keeps_what_happened(project: Path) -> None:
    text = "def test_it(run):\n    run.publish(sample(BookAsked))\n    run.drain()\n    assert_choreography(run, 'a_loan')\n"

    before, _ = outcome_of(project, text)
    kept, _ = outcome_of(project, text, "--update-choreographies")
    after, told = outcome_of(project, text)

    assert (before, kept, after) == (1, 0, 0), told
    assert (project / "choreographies" / "a_loan.txt").read_text(encoding="utf-8").startswith("BookAsked\n")


@pytest.mark.parametrize("module", ["pydantic", "hypothesis", "contradance.choreography", "contradance.local.laptop"])
def test_where_no_test_asks_for_it_it_loads_nothing(module: str) -> None:
    code = f"import sys, contradance.testing.plugin; sys.exit({module!r} in sys.modules)"

    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=30)

    assert ended.returncode == 0


def test_every_public_name_is_listed_and_has_a_home() -> None:
    import contradance.testing  # noqa: PLC0415 - the package itself is what is looked at

    assert set(contradance.testing.__all__) == set(contradance.testing._HOME)
    assert all(getattr(contradance.testing, name) for name in contradance.testing.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'events'"):
        contradance.testing.events  # noqa: B018 - naming it is the act
