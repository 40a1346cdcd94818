"""Persistent HTTP connections to AWS, with verified TLS and the environment's proxy."""

import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from contradance.runtime.aws.answer import Answered, read_answer
from contradance.runtime.aws.endpoint import Endpoint, UnsupportedConfig

CONNECT_SECONDS: Final = 3.0
"""Timeout of opening a connection."""
READ_SECONDS: Final = 10.0
"""Timeout of reading a response."""
IDLE_SECONDS: Final = 45.0
"""How long an unused connection is kept; AWS closes its end after about a minute."""
_SHORTEST_SECONDS: Final = 0.1


class _Idle(NamedTuple):
    connection: socket.socket
    since: float


class Connections:
    """A pool of connections to AWS, each used by one thread at a time.

    Args:
        environ: the environment, which names proxies and certificates.
        now: a monotonic clock, in seconds.
    """

    def __init__(self, environ: Mapping[str, str], now: Callable[[], float] = time.monotonic) -> None:
        self._environ = environ
        self._now = now
        self._idle: dict[Endpoint, list[_Idle]] = {}
        self._tls = _tls(environ)

    def post(self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes, seconds: float) -> Answered:
        """Send one request and return its response; raise OSError when there is none.

        When an idle connection fails, the server has probably closed it: the request is sent again on a new one.

        Raises:
            OSError: the server was not reached, or its response was invalid or late.
        """
        kept = self._kept(endpoint)
        if kept is not None:
            try:
                return self._post(endpoint, kept, headers, body, seconds)
            except TimeoutError:
                raise
            except OSError:
                pass
        return self._post(endpoint, self._connect(endpoint, seconds), headers, body, seconds)

    def close(self) -> None:
        """Close the idle connections; those in use stay open."""
        for idle in self._idle.values():
            while idle:
                idle.pop().connection.close()

    def _post(
        self, endpoint: Endpoint, connection: socket.socket, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> Answered:
        """Send a request and return its response; keep the connection for reuse if allowed, close it on an error."""
        try:
            connection.settimeout(max(min(READ_SECONDS, seconds), _SHORTEST_SECONDS))
            connection.sendall(_head(headers, len(body)) + body)
            with connection.makefile("rb") as stream:
                answered = read_answer(stream)
        except BaseException:
            connection.close()
            raise
        if answered.closes:
            connection.close()
        else:
            self._idle.setdefault(endpoint, []).append(_Idle(connection, self._now()))
        return answered

    def _kept(self, endpoint: Endpoint) -> socket.socket | None:
        """Return an idle connection, or None; close those that are too old or that the server has closed."""
        idle = self._idle.get(endpoint, [])
        while idle:
            try:
                connection, since = idle.pop()
            except IndexError:  # another thread took the last one
                return None
            if self._now() - since < IDLE_SECONDS and not select.select([connection], [], [], 0)[0]:
                return connection
            connection.close()
        return None

    def _connect(self, endpoint: Endpoint, seconds: float) -> socket.socket:
        """Open and return a connection, through the proxy if there is one; raise OSError when that fails.

        The host is passed as bytes: for text, Python imports its slow codec for international names.
        """
        timeout = max(min(CONNECT_SECONDS, seconds), _SHORTEST_SECONDS)
        proxy = proxy_for(self._environ, endpoint)
        if proxy:
            from http.client import HTTPSConnection  # noqa: PLC0415 - rarely needed

            through = HTTPSConnection(proxy.host, proxy.port, timeout=timeout, context=self._tls)
            through.set_tunnel(endpoint.host, endpoint.port, proxy.headers)
            try:
                through.connect()
            except BaseException:
                through.close()
                raise
            tunnel: socket.socket = through.sock
            return tunnel
        host: Any = endpoint.host.encode("ascii")
        opened = socket.create_connection((host, endpoint.port), timeout)
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if endpoint.scheme == "http":
                return opened
            return self._tls.wrap_socket(opened, server_hostname=host)
        except BaseException:
            opened.close()
            raise


def _head(headers: Mapping[str, str], length: int) -> bytes:
    """Return a request's head; raise ValueError for a line break in a header, which would start another one."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if not lines.count("\n") == lines.count("\r") == len(headers):
        raise ValueError("a header holds a line break: check the credentials in the environment")
    return f"POST / HTTP/1.1\r\n{lines}content-length: {length}\r\n\r\n".encode("latin-1")


class Proxy(NamedTuple):
    """An HTTP proxy, with the headers that authorize its use."""

    host: str
    port: int
    headers: dict[str, str]


def proxy_for(environ: Mapping[str, str], endpoint: Endpoint) -> Proxy | None:
    """Return the proxy for an endpoint by `https_proxy` and `no_proxy`, or None; `UnsupportedConfig` for others."""
    name = f"{endpoint.scheme}_proxy"
    address = environ.get(name) or environ.get(name.upper())
    if not address:
        return None
    from urllib import request  # noqa: PLC0415 - slow, and rarely needed

    without = {"no": environ.get("no_proxy") or environ.get("NO_PROXY") or ""}
    if request.proxy_bypass_environment(f"{endpoint.host}:{endpoint.port}", without):  # type: ignore[attr-defined]
        return None
    parts = urlsplit(address if "//" in address else f"//{address}", "http")
    if parts.scheme != "http" or not parts.hostname or endpoint.scheme != "https":
        raise UnsupportedConfig(f"the proxy in {name}")
    headers = {}
    if parts.username is not None:
        import base64  # noqa: PLC0415 - rarely needed

        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    return Proxy(parts.hostname, parts.port or 80, headers)


def _tls(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return a TLS context with the environment's certificates, else the system's; `UnsupportedConfig` without any."""
    bundle = environ.get("AWS_CA_BUNDLE") or environ.get("REQUESTS_CA_BUNDLE")
    if not bundle:
        paths = ssl.get_default_verify_paths()
        if paths.cafile is None and paths.capath is None:
            raise UnsupportedConfig("a system without certificates of its own")
        return ssl.create_default_context()
    place: dict[str, Any] = {"capath" if os.path.isdir(bundle) else "cafile": bundle}  # noqa: PTH112 - pathlib is slow
    return ssl.create_default_context(**place)
