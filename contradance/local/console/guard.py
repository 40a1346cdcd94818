"""The guard of the console: it accepts forms only from its own pages.

The laptop is bound to loopback and refuses other names in `Host`. That does not stop other pages of this machine, such as
those of a development server. So a form needs this process's token, and must come from a page of the same origin.
"""

import hmac
import secrets
from typing import Final

from starlette.requests import Request

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
"""Headers of every response. No browser may cache a page: it may show revealed personal data."""


class Guard:
    """The token of one process, and the check of submitted forms."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)

    def origin_refusal(self, request: Request) -> str | None:
        """Return why a form is refused that another page sent, by its origin; None for one of this console's."""
        if request.headers.get("origin") != f"{request.url.scheme}://{request.headers.get('host')}":
            return "This form was not sent by a page of the console."
        return None

    def token_refusal(self, token: str) -> str | None:
        """Return why a form with another token is refused; None for the token of this process."""
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return "The laptop was started again after this page was loaded. Load the page and try again."
        return None
