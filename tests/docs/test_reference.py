"""The reference runs as it is written, and names every public name."""

import re

import pytest

import contradance
from contradance import errors, testing
from tests.docs.conftest import Follow
from tests.docs.page import names, page

PAGES = names("reference")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_works_as_written(follow: Follow, name: str) -> None:
    follow(name)


def test_every_public_name_has_a_place() -> None:
    shown = {found for name in PAGES for found in re.findall(r"^::: contradance\.(\S+)", page(name).text, re.MULTILINE)}
    public = {
        *(name for name in contradance.__all__ if not hasattr(errors, name)),  # the errors have a page of their own
        *(f"testing.{name}" for name in testing.__all__),
        "errors",
    }

    assert public - shown == set(), "Add these to a page in docs/reference/python/, with an example."
