"""A server on loopback that answers what it is told to, over HTTP or TLS, and remembers what it was asked."""

import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Said(NamedTuple):
    """One answer."""

    status: int = 200
    body: Any = b"{}"
    headers: Mapping[str, str] = MappingProxyType({})
    hangs_up: bool = False
    """Whether the connection is closed without an answer."""
    closes_after: bool = False
    """Whether the connection is closed behind the answer, without a word about it."""


class Asked(NamedTuple):
    """One request."""

    headers: dict[str, str]
    body: Any


class Server:
    """What it was told to answer, and what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Said] = []
        self.asked: list[Asked] = []
        self.connections = 0
        self.tunnels: list[tuple[str, str | None]] = []
        self.port = 0

    def will_answer(self, *answers: Said) -> None:
        """Answer like this, one after the other; then with an empty object."""
        self.answers += answers


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            server.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.asked.append(Asked(headers, json.loads(body)))
            said = server.answers.pop(0) if server.answers else Said()
            self.close_connection = said.hangs_up or said.closes_after
            if said.hangs_up:
                return
            text = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response_only(said.status)
            for name, value in {"Content-Length": str(len(text)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def do_CONNECT(self) -> None:
            server.tunnels.append((self.path, self.headers.get("Proxy-Authorization")))
            self.send_error(502)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Server]:
    """Serve on a free port; over TLS with the certificate and key in one file, where one is given."""
    server = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True)
    server.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def make_certificate(path: Path) -> Path:
    """Write a certificate for 127.0.0.1 that signs itself, and its key, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path
