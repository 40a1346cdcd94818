"""What a warm delivery costs, with the network stubbed at the socket: CPU microseconds of everything above it.

    python benchmarks/hot_path.py [--quick]

The function of `cold_start.py`, delivered again and again in one process. "publish" is the path that the project exists
for: an event is validated, wrapped and sent by PutEvents; beside it Pydantic and boto3's `put_events`. An invalid event is
refused, told by field, and put on the dead letter queue. Contestants take turns; the best round of each counts.
"""

import argparse
import gc
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

from lambdas import fixture

AIMS = (
    ("delivery, of (b)", "ours", "powertools", 0.30),
    ("publish, of pydantic + boto3", "ours: publish", "boto3: publish", 0.10),
    ("an invalid event, of a valid one", "ours: invalid", "ours", 1.15),
)


class StubSocket:
    """AWS behind a socket: it answers each request at once, in memory."""

    def __init__(self) -> None:
        self._readable, self._other_end = os.pipe()  # nothing is ever written into it
        self._sent = bytearray()

    def sendall(self, data: bytes) -> None:
        """Take a part of a request."""
        self._sent += data

    send = sendall

    def makefile(self, *_: object, **__: object) -> io.BytesIO:
        """Return the answer to what was sent."""
        head, _, body = bytes(self._sent).partition(b"\r\n\r\n")
        self._sent.clear()
        target = next(line for line in head.decode().split("\r\n") if line.lower().startswith("x-amz-target"))
        text = fixture.answer(target.strip(), body)
        return io.BytesIO(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))

    def fileno(self) -> int:
        """Return a descriptor that never becomes readable."""
        return self._readable

    def close(self) -> None:
        """Close the descriptors."""
        for descriptor in (self._readable, self._other_end):
            os.close(descriptor)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def stub_the_network() -> None:
    """Have whoever connects get a stub."""
    import socket  # noqa: PLC0415 - patched here alone

    import urllib3.connection  # noqa: PLC0415 - the same

    def connect(*_: object, **__: object) -> Any:
        return StubSocket()

    socket.create_connection = connect
    urllib3.connection.connection.create_connection = connect


def fresh(number: int) -> dict[str, Any]:
    """Return the event under another id."""
    event = deepcopy(fixture.EVENT)
    event["detail"]["metadata"]["event_id"] = f"0d9b6f0c-6b6f-5a0e-8a43-{number:012}"
    return event


def contestants() -> dict[str, Callable[[Mapping[str, Any]], object]]:
    """Return each contestant: it takes one event."""
    import boto3  # noqa: PLC0415 - after the environment was set
    from lambdas import floor, models, powertools  # noqa: PLC0415 - the same
    from lambdas.contracts.m0 import ReminderPlanned  # noqa: PLC0415 - the same

    from contradance.envelope import seal  # noqa: PLC0415 - the same
    from contradance.runtime.aws.entry import _deployed, handler  # noqa: PLC0415 - the same
    from contradance.runtime.publish import publish  # noqa: PLC0415 - the same

    context, environment, now = fixture.Context(), _deployed()[1].environment, datetime.now(UTC)
    client = boto3.client("events")
    data = {name: value for name, value in fixture.EVENT["detail"]["data"].items() if name != "books"}

    def broken(event: Mapping[str, Any]) -> object:
        event["detail"]["data"]["fee"] = -1
        return handler(event, context)

    ours = ReminderPlanned.model_validate(data)
    theirs = models.ReminderPlanned.model_validate(data)

    def our_publish(event: Mapping[str, Any]) -> None:
        event_id = event["detail"]["metadata"]["event_id"]
        sealed = seal(ours, event_id=event_id, occurred_at=now, correlation_id=event_id, publisher="reminders.remind")
        publish([sealed], environment.events, environment.bus, environment.clock, 30)

    def their_publish(event: Mapping[str, Any]) -> None:
        metadata = {
            "event_id": str(uuid4()),
            "version": 1,
            "occurred_at": now.isoformat(),
            "subject": str(theirs.loan_id),
            "correlation_id": event["detail"]["metadata"]["event_id"],
        }
        valid = models.ReminderPlanned.model_validate(theirs.model_dump())
        detail = json.dumps({"metadata": metadata, "data": valid.model_dump(mode="json")})
        entry = {"Source": "library.reminders", "DetailType": "ReminderPlanned", "Detail": detail}
        answer = client.put_events(Entries=[entry | {"EventBusName": "library"}])
        assert not answer["FailedEntryCount"]

    return {
        "ours": lambda event: handler(event, context),
        "ours: invalid": broken,
        "powertools": lambda event: powertools.invoke(event, context),
        "floor": lambda event: floor.invoke(event, context),
        "ours: publish": our_publish,
        "boto3: publish": their_publish,
    }


def best_of(found: Mapping[str, Callable[[Mapping[str, Any]], object]], rounds: int, calls: int) -> dict[str, float]:
    """Return the CPU microseconds of one call of each, in its best round."""
    best = dict.fromkeys(found, float("inf"))
    number = 0
    gc.collect()
    gc.disable()  # as timeit does
    for turn in range(rounds + 1):
        for name, call in found.items():
            events = [fresh(number + one) for one in range(calls)]
            number += calls
            begun = time.process_time()
            for event in events:
                call(event)
            if turn:
                best[name] = min(best[name], (time.process_time() - begun) / calls * 1e6)
    gc.enable()
    return best


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What a warm delivery costs above the socket.")
    parser.add_argument("--quick", action="store_true", help="few rounds, for a first look")
    rounds, calls = (1, 5) if parser.parse_args(arguments).quick else (60, 50)
    os.environ.update({**fixture.ENVIRON, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "HOME": "/nowhere"})
    with tempfile.TemporaryDirectory(prefix="contradance-bench-") as name:
        fixture.write_contracts(Path(name) / "contracts", 2)
        import lambdas  # noqa: PLC0415 - its contracts are in another folder

        lambdas.__path__.append(name)
        stub_the_network()
        out, sys.stdout = sys.stdout, io.StringIO()
        try:
            taken = best_of(contestants(), rounds, calls)
        finally:
            sys.stdout = out
    print(f"{'':34} {'us':>9}")
    for what, microseconds in taken.items():
        print(f"{what:34} {microseconds:>9.1f}")
    for what, name, other, aim in AIMS:
        ratio = taken[name] / taken[other]
        print(f"{what:34} {ratio:>8.2f}x   aim <= {aim:.2f}x   {'met' if ratio <= aim else 'NOT MET'}")


if __name__ == "__main__":
    main(sys.argv[1:])
