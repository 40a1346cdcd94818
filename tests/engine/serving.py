"""How a plugin talks to Pulumi's engine: it serves gRPC on a loopback port, and prints that port first."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc  # type: ignore[import-untyped]  # it carries no types

UNLIMITED = -1
PATIENCE = 5
"""Seconds for which a plugin outlives an engine that was killed."""
WORKERS = 32
"""As many as the engine may ask at once, and more."""


def serve(register: Callable[[grpc.Server], None]) -> None:
    """Serve what `register` adds to a server, until the engine ends this process, or is gone itself."""
    engine = os.getppid()
    options = [("grpc.max_receive_message_length", UNLIMITED), ("grpc.max_send_message_length", UNLIMITED)]
    server = grpc.server(ThreadPoolExecutor(WORKERS), options=options)
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    print(port, flush=True)  # noqa: T201 - what the engine waits for
    while not ended.wait(PATIENCE) and os.getppid() == engine:
        pass
    server.stop(grace=1).wait()
