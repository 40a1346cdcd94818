"""The how-to guides run as they are written."""

import pytest

from tests.docs.conftest import Follow
from tests.docs.page import names


@pytest.mark.parametrize("name", names("how-to"))
def test_a_guide_works_as_written(follow: Follow, name: str) -> None:
    follow(name)
