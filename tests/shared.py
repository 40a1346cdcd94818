"""What the workers of a parallel run share."""

from pathlib import Path

import pytest


def shared_folder(factory: pytest.TempPathFactory, worker_id: str, name: str) -> Path:
    """Return a folder that is the same for all workers of this run; two of them may use it at the same time."""
    own = factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / name
    folder.mkdir(exist_ok=True)
    return folder
