"""A served laptop, and boto3's clients for it, made as any program would."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import boto3  # type: ignore[import-untyped]  # it carries no types
from botocore.config import Config  # type: ignore[import-untyped]  # the same

from contradance.local.laptop import Laptop
from contradance.local.web.server import Server


class Clients:
    """boto3's clients for one endpoint; each is closed with the context that gave them."""

    def __init__(self, url: str, opened: ExitStack) -> None:
        self.url = url
        self._opened = opened
        self._made: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        """Return the client of a service: `lambda_` for Lambda."""
        service = name.removesuffix("_")
        if service not in self._made:
            keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
            config = Config(retries={"total_max_attempts": 1}, proxies={})
            client = boto3.client(service, endpoint_url=self.url, region_name="us-east-1", config=config, **keys)
            self._opened.callback(client.close)
            self._made[service] = client
        return self._made[service]


@contextmanager
def served(laptop: Laptop) -> Iterator[Clients]:
    """Serve a laptop while the block runs."""
    with ExitStack() as opened:
        url = opened.enter_context(Server(laptop, 0).serving())
        yield Clients(url, opened)
