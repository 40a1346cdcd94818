"""The explanation, the start page and the README run as they are written."""

import pytest

from tests.docs.conftest import Follow
from tests.docs.page import names


@pytest.mark.parametrize("name", ["README.md", "docs/index.md", *names("explanation")])
def test_a_page_works_as_written(follow: Follow, name: str) -> None:
    follow(name)
