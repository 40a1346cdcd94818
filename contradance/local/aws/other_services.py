"""Refuses requests to AWS services that the laptop does not have, each in the form that the service's clients read.

`AWS_ENDPOINT_URL` sends every service's requests here. A signed request names its service; signatures are not checked.
"""

import json
import re
from collections.abc import Mapping
from itertools import chain
from typing import Final
from xml.sax.saxutils import escape

from contradance.local.invocation.gateway import HttpResponse
from contradance.printable import printable

_SCOPE: Final = re.compile(r"AWS4-[A-Z0-9-]+ Credential=[^/,\s]*/[0-9]*/(?:[^/,\s]*/)?([a-z0-9-]+)/aws4_request")
_OF_ROUTES: Final = "execute-api"
"""The service that clients of API Gateway sign for."""
_ACTION: Final = re.compile(r"(?:^|&)Action=([A-Za-z0-9]{1,128})(?:&|$)")
_FORM: Final = "application/x-www-form-urlencoded"
_CBOR: Final = "rpc-v2-cbor"
"""The value of `smithy-protocol` in requests and responses of Smithy's protocol RPC v2 CBOR."""
_SHORT: Final = 24
"""Lengths that CBOR writes in the first byte of a text. RFC 8949, section 3."""
_OF_S3: Final = ("s3", "s3express", "s3-outposts")
_IN_XML: Final = ("cloudfront", "route53")
"""Services whose REST protocol is XML, apart from S3."""
_CODE: Final = "UnknownOperationException"
_STATUS: Final = 400


def signed_service(headers: Mapping[str, str]) -> str | None:
    """Return the AWS service that a request is signed for; None for another request, and for one to a route."""
    found = _SCOPE.match(headers.get("authorization", ""))
    return None if found is None or found[1] == _OF_ROUTES else found[1]


def unknown_service_response(
    service: str, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> HttpResponse:
    """Return the 400 response for a service or protocol that the laptop lacks, as its clients read it: JSON, XML or CBOR."""
    form = headers.get("content-type", "").startswith(_FORM)
    action = _ACTION.search(body.decode("latin-1")) if form else None
    is_cbor = headers.get("smithy-protocol") == _CBOR
    named = path.rpartition("/")[2] if is_cbor else headers.get("x-amz-target", f"{method} {path}").rpartition(".")[2]
    operation = action[1] if action else named
    message = (
        f"The laptop does not answer {printable(operation[:200])} of {service}: it has EventBridge, SQS and Lambda's Invoke, "
        "in the protocols of today's clients."
    )
    if is_cbor:
        return HttpResponse(
            _STATUS,
            {"content-type": "application/cbor", "smithy-protocol": _CBOR},
            "",
            _cbor_map(__type=_CODE, message=message),
        )
    if service in _OF_S3:
        return _xml(f"<Error><Code>{_CODE}</Code><Message>{escape(message)}</Message></Error>")
    error = f"<Code>{_CODE}</Code><Message>{escape(message)}</Message>"
    if service == "ec2":
        return _xml(f"<Response><Errors><Error>{error}</Error></Errors></Response>")
    if form or service in _IN_XML:
        return _xml(f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>")
    sent = {"content-type": "application/json", "x-amzn-errortype": _CODE}
    return HttpResponse(_STATUS, sent, json.dumps({"__type": _CODE, "message": message}))


def _cbor_map(**texts: str) -> bytes:
    """Return at most 23 texts by their names as a map in CBOR."""
    return bytes([0xA0 | len(texts)]) + b"".join(map(_cbor_text, chain.from_iterable(texts.items())))


def _cbor_text(text: str) -> bytes:
    """Return a text of less than 64 KB in CBOR."""
    content = text.encode()
    length = len(content)
    return (bytes([0x60 | length]) if length < _SHORT else b"\x79" + length.to_bytes(2, "big")) + content


def _xml(text: str) -> HttpResponse:
    """Return a response of status 400 with this XML."""
    return HttpResponse(_STATUS, {"content-type": "text/xml"}, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
