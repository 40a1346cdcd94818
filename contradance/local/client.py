"""Publishes to a laptop that runs in another process."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final

from contradance.errors import LaptopError
from contradance.local.aws.endpoint import CONTENT_TYPE, TARGET_HEADER

_TIMEOUT_SECONDS: Final = 10
_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Ignores the environment's proxies: the laptop is on this machine."""


def ask(request: urllib.request.Request) -> Any:
    """Send a request to this machine without a proxy; return the response of `urllib.request`, a context manager."""
    return _DIRECTLY.open(request, timeout=_TIMEOUT_SECONDS)


class LaptopClient:
    """`contradance.runtime.ports.Events` over HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url

    def put_events(self, *, Entries: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:  # noqa: N803 - boto3's name
        """Publish up to 10 entries."""
        request = urllib.request.Request(  # noqa: S310 - always http://127.0.0.1
            f"{self._url}/",
            data=json.dumps({"Entries": list(Entries)}).encode(),
            headers={"content-type": CONTENT_TYPE, TARGET_HEADER: "AWSEvents.PutEvents"},
        )
        try:
            with ask(request) as answer:
                return self._read(answer)
        except urllib.error.HTTPError as error:
            with error:
                refusal = self._read(error)
            raise LaptopError(f"the laptop at {self._url} refused: {refusal.get('message')}") from error
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise LaptopError(
                f"no laptop answers at {self._url}: {getattr(reason, 'strerror', None) or reason}.\n"
                "  Start one with: contradance run"
            ) from error

    def _read(self, answer: Any) -> dict[str, Any]:
        """Return the JSON object of a response; raise `LaptopError` when another program answers at the port."""
        try:
            found = json.load(answer)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise LaptopError(
                f"the program at {self._url} is not a laptop.\n  Give the port that contradance run printed with --port."
            )
        return found
