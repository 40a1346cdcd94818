"""Signs a POST to `/` without a query, with Signature Version 4, for AWS's JSON protocols.

AWS General Reference, "Signature Version 4 signing process". A property test compares it with botocore.
"""

import hmac
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """AWS credentials; their representation hides them."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        return "Credentials(***)"


def authorization(credentials: Credentials, region: str, service: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return the Authorization header of a request, by Signature Version 4.

    Args:
        credentials: the keys that sign.
        region: the service's region.
        service: the service's signing name.
        headers: every signed header, with lower-case names, without double spaces; `x-amz-date` is the time.
        body: the request's body.
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
    """Return the signing key of one day, region and service."""
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
