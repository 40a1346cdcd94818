import socket

import pytest

from contradance.runtime.aws.connections import Connections
from contradance.runtime.aws.endpoint import Endpoint


class Reset(socket.socket):
    """A connection that the server resets as soon as it is made."""

    def setsockopt(self, *_: object) -> None:
        raise ConnectionResetError


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_fails_before_its_first_request_is_closed(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    made = Reset()
    monkeypatch.setattr(socket, "create_connection", lambda *_: made)

    with pytest.raises(ConnectionResetError):
        Connections({}).post(Endpoint(scheme, "127.0.0.1", 9), {}, b"{}", 5)

    assert made.fileno() == -1
