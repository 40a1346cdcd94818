"""The food delivery system, deployed to nowhere."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from contradance import Choreography
from contradance.infra import deploy, read_config
from functions.choreography import food_delivery
from tests.infra.mocks import Deployment, Recorder, run

SECRETS = {"gateway_key": "a key that opens nothing"}


@dataclass(frozen=True)
class Zips:
    """Small packages, as `contradance.packaging` would make large ones."""

    runtime: str
    architecture: str
    layer: Path
    functions: Mapping[str, Path]


def zips(folder: Path, choreography: Choreography) -> Zips:
    """Write a zip for each function, and one for the layer."""
    names = [*choreography.functions, "contradance.sweeper", "contradance.ingress"]
    return Zips("python3.13", "arm64", _zip(folder, "layer"), {name: _zip(folder, name) for name in names})


def _zip(folder: Path, name: str) -> Path:
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(zipfile.ZipInfo("name.txt"), name)
    return path


def deployed(
    folder: Path,
    choreography: Choreography = food_delivery,
    *,
    config: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = SECRETS,
    recorder: Recorder | None = None,
    stack: str = "dev",
    preview: bool = False,
) -> Deployment:
    """Run the program and return what it registered; raise what it refuses."""
    packages = zips(folder, choreography)

    async def program() -> Any:
        return await deploy(choreography, read_config(), packages, registry="contracts.registry:registry")

    kept = {"secrets": json.dumps(dict(secrets))} if secrets else {}
    try:
        return run(program, stack=stack, config=config, kept=kept, recorder=recorder, preview=preview)
    except pulumi.RunError as told:
        raise told.__cause__ or told from None
