"""The origin of a web page, as browsers send it in `Origin` and API Gateway compares it: character by character."""

import re
from typing import Final

WILDCARDS: Final = ("*", "http://*", "https://*")
"""What API Gateway takes beside origins: any origin, and any of a scheme. Developer guide, http-api-cors."""
_ORIGIN: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:(?P<port>[1-9][0-9]{0,4}))?"
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_HIGHEST_PORT: Final = 65_535


def checked_origin(text: str) -> str:
    """Return an origin, or a wildcard; raise `ValueError`, with what to write, for a text that no browser sends."""
    if text in WILDCARDS:
        return text
    found = _ORIGIN.fullmatch(text)
    if found is None:
        raise ValueError(
            "an origin is a scheme and a host in lower case, a name of other letters in its ASCII form (xn--), without a "
            "final slash: https://shop.example. The wildcards are *, http://* and https://*"
        )
    port = found["port"]
    if port is not None and port == _DEFAULT_PORTS.get(found["scheme"]):
        raise ValueError(f"browsers leave out the default port: {text.removesuffix(':' + port)}")
    if port is not None and int(port) > _HIGHEST_PORT:
        raise ValueError(f"a port is at most {_HIGHEST_PORT}")
    return text
