"""The how-to guides run as they are written."""

from pathlib import Path

import pytest

from tests.docs.conftest import Follow
from tests.docs.page import names, page
from tests.infra.stack import deployed


@pytest.mark.parametrize("name", names("how-to"))
def test_a_guide_works_as_written(follow: Follow, name: str) -> None:
    follow(name)


def test_the_guide_to_deployment_counts_the_resources(tmp_path: Path) -> None:
    count = sum(resource.custom for resource in deployed(tmp_path).resources)

    assert f"The food delivery system has {count} resources." in page("docs/how-to/deploy.md").text
