"""Publishing to a laptop that runs in another process."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from contradance.errors import LaptopError
from contradance.local.aws import CONTENT_TYPE, TARGET_HEADER

_TIMEOUT_SECONDS = 10


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
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            refusal = json.load(error)
            raise LaptopError(f"the laptop at {self._url} refused: {refusal.get('message')}") from error
        except OSError as error:
            raise LaptopError(
                f"no laptop answers at {self._url}: {error}.\n  Start one with: contradance run"
            ) from error
        return found
