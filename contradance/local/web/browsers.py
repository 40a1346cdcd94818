"""What pages of browsers may do here: the laptop's guard against other sites, and its CORS.

The port is bound to loopback, but every page that a browser on this machine shows can send requests to it. A browser marks
them: with `Origin` on each request that is not a plain GET, and with `Sec-Fetch-Site`; a page cannot remove either. Programs
send neither. So pages may not use AWS's protocols and the commands' API at all, and may use the application's routes only
from the origins that the author allows, as with API Gateway's CORS. The console guards its forms itself; a page elsewhere may
link to it, and load nothing of it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from contradance.httproute import CORS_HEADERS, CORS_MAX_AGE_SECONDS, CORS_SIGNED_HEADERS
from contradance.local.invocation.gateway import HttpResponse, error_response
from contradance.printable import printable

RequestKind = Literal["commands", "aws", "console", "routes"]
"""Who answers a request: the commands' API, AWS's protocols, the console, or the application's routes."""
_FOR_PROGRAMS: Final[Mapping[RequestKind, str]] = {
    "commands": "This API is for commands; a browser uses the console.",
    "aws": "AWS's protocols are for programs; a page of a browser cannot use them here.",
}
_MARKS: Final = ("origin", "sec-fetch-site")
_SAFE: Final = ("GET", "HEAD")
_OTHER_SITES: Final = ("cross-site", "same-site")
_LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_LONGEST_ORIGIN: Final = 200
_ELSEWHERE: Final = "Only this machine is served, by the names 127.0.0.1, localhost and [::1]."


class Browsers:
    """Decides about requests of pages.

    Args:
        origins: those whose pages may use the routes; `*`, `http://*` and `https://*` as in API Gateway.
        methods: the methods of the routes.
    """

    def __init__(self, origins: Iterable[str], methods: Iterable[str]) -> None:
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._methods = ",".join(sorted({*methods}))

    def refusal(self, kind: RequestKind, method: str, headers: Mapping[str, str]) -> HttpResponse | None:
        """Return a 403 for another host name, and for a page that may not send this request; None if it is allowed."""
        host = headers.get("host")
        if host is not None and not _LOOPBACK.fullmatch(host):
            return error_response(403, _ELSEWHERE)  # DNS rebinding: a page whose own name resolves to this address
        if not any(mark in headers for mark in _MARKS):
            return None
        if kind in _FOR_PROGRAMS:
            return error_response(403, _FOR_PROGRAMS[kind])
        if kind == "console" and method in _SAFE and self._is_loaded_elsewhere(host, headers):
            return error_response(403, "A page of another site may link to the console, and load nothing of it.")
        if kind == "console" or method in _SAFE or self._may_change(host, headers):
            return None
        origin = headers.get("origin")
        named = printable(origin[:_LONGEST_ORIGIN]) if origin else "another site"
        return error_response(
            403,
            f"Pages of {named} may not use this API. Allow them with contradance run --cors-origin, or with corsOrigins in "
            "the stack's configuration.",
        )

    def preflight(self, method: str, headers: Mapping[str, str]) -> HttpResponse | None:
        """Return the answer to a preflight of an allowed origin; None for any other request."""
        if method != "OPTIONS" or "access-control-request-method" not in headers:
            return None
        allowed = self.cors_headers(headers)
        if not allowed:
            return None
        return HttpResponse(
            204,
            {
                **allowed,
                "access-control-allow-methods": self._methods,
                "access-control-allow-headers": ",".join((*CORS_HEADERS, *CORS_SIGNED_HEADERS)),
                "access-control-max-age": str(CORS_MAX_AGE_SECONDS),
            },
            "",
        )

    def cors_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the CORS headers of a response, by the request's; none for another origin or without `Origin`."""
        origin = headers.get("origin")
        if origin is None or not self.allows(origin):
            return {}
        if "*" in self._origins:
            return {"access-control-allow-origin": "*"}
        return {"access-control-allow-origin": origin, "vary": "Origin"}

    def allows(self, origin: str) -> bool:
        """Whether the pages of an origin may use the routes: it, its scheme or `*` is among the `origins`."""
        scheme, _, _ = (given := origin.lower()).partition("://")
        return not self._origins.isdisjoint((given, "*", f"{scheme}://*"))

    def _is_loaded_elsewhere(self, host: str | None, headers: Mapping[str, str]) -> bool:
        """Whether a page elsewhere loads what it requests, such as an image or a stream; False for a link to it."""
        origin = headers.get("origin")
        if origin is not None:
            return origin != f"http://{host}"
        return headers.get("sec-fetch-site") in _OTHER_SITES and headers.get("sec-fetch-mode") != "navigate"

    def _may_change(self, host: str | None, headers: Mapping[str, str]) -> bool:
        """Whether a page may send a request that changes something: the laptop's own page, or an allowed origin's."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") not in _OTHER_SITES
        return origin == f"http://{host}" or self.allows(origin)
