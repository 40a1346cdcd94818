"""`contradance demo`: sends the requests of the project's scenes over HTTP to a temporary bus."""

import json
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.text import Text

from contradance.choreography import Choreography
from contradance.cli.log_lines import listen_to_functions
from contradance.cli.narrator import Narrator
from contradance.cli.theme import Services, out
from contradance.cli.trees import flow_tree
from contradance.errors import LaptopError
from contradance.local.captured import CapturedLogs
from contradance.local.clock import SkippingClock
from contradance.local.laptop import Laptop
from contradance.local.scene import Scene
from contradance.local.system.client import ask
from contradance.local.web.server import Server
from contradance.operate.flow import flows


def play(choreography: Choreography, scenes: Sequence[Scene]) -> None:
    """Send each scene's request to a temporary laptop, deliver all that follows, and print the flow as a tree."""
    services = Services(choreography.services)
    captured = CapturedLogs(Narrator(services).logged)
    captured.setLevel(logging.WARNING)
    listen_to_functions(choreography, captured)
    with (
        TemporaryDirectory(prefix="contradance-demo-") as folder,
        Laptop(
            choreography,
            Path(folder),
            clock=SkippingClock(),
            variables=os.environ,
            synchronous="NORMAL",
        ) as laptop,
        Server(laptop, port=0).serving() as url,
    ):
        for scene in scenes:
            status = _request(url, scene)
            laptop.drain()
            out.print(Text(f"\n{scene.title}", "bold underline"))
            out.print(Text(f"{scene.route} → {status}", "dim"))
            for flow in flows(laptop.journal.latest()):
                out.print(flow_tree(flow, services), soft_wrap=False)


def _request(url: str, scene: Scene) -> int:
    """Send a scene's request; return the response's status, or raise `LaptopError` if it is 400 or more."""
    method, _, path = scene.route.partition(" ")
    request = urllib.request.Request(  # noqa: S310 - always http://127.0.0.1
        url + path, data=json.dumps(scene.body).encode(), method=method, headers={"content-type": "application/json"}
    )
    try:
        with ask(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        raise LaptopError(
            f"the scene {scene.title!r} was answered with {error.code}: {error.read().decode(errors='replace')}"
        ) from error
