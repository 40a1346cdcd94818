from collections.abc import Iterator
from pathlib import Path

import pytest

from contradance.testing import Run, running
from tests.testing.library import TRIES, library


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Run the library; what it leaves is the test's own business."""
    TRIES["count"] = 0
    records: list[object] = []
    with running(library, tmp_path / "state", when_journaled=records.append) as laptop:
        yield Run(laptop, records, tmp_path / "choreographies")  # type: ignore[arg-type]  # they are appended by the laptop
