"""Who may ask for what: pages of the console itself, and nobody else's.

Who reaches this has passed the laptop's own door: it is bound to loopback, and another name in `Host` is refused there. Here
the rest: a form is taken only with this process's token in it, and only from a page of this very origin, since another
page of this machine, a development server's say, passes that door too.
"""

import hmac
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

TOKEN_FIELD: Final = "token"  # noqa: S105 - the name of the field
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
"""Of every answer. Nothing is kept by a browser's cache: a page may show what was revealed."""


class Guard:
    """The token of one process, and the check of what is sent back."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)

    def refusal(self, request: Request, given: str) -> str | None:
        """Return why a form is refused; None where it is one of this console's."""
        if request.headers.get("origin") != f"{request.url.scheme}://{request.headers.get('host')}":
            return "This form was not sent by a page of the console."
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return "This page is older than the laptop that answers: it was started again since. Load the page and try again."
        return None


def sealed(response: Response) -> Response:
    """Return `response` with the headers of every answer."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response
