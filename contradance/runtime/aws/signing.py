"""Signature Version 4 of a POST to `/` without a query, as AWS's JSON protocols need it.

AWS General Reference, "Signature Version 4 signing process". A property holds it equal to botocore's.
"""

import hmac
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """Who asks."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        return "Credentials(***)"


def authorization(credentials: Credentials, region: str, service: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return the Authorization header of a request.

    Args:
        credentials: who asks.
        region: the service's region.
        service: the service's signing name.
        headers: every header that is signed, names in lower case, no two spaces in a row; `x-amz-date` says when.
        body: what is sent.
    """
    moment = headers["x-amz-date"]
    names = sorted(headers)
    signed = ";".join(names)
    lines = "".join([f"{name}:{headers[name].strip()}\n" for name in names])
    request = f"POST\n/\n\n{lines}\n{signed}\n{sha256(body).hexdigest()}"
    day = moment[:8]
    scope = f"{day}/{region}/{service}/aws4_request"
    text = f"{_ALGORITHM}\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    key = _key(credentials.secret_key, day, region, service)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"


@lru_cache(maxsize=16)
def _key(secret_key: str, day: str, region: str, service: str) -> bytes:
    """Return the key that signs a day's requests to one service."""
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
