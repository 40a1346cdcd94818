"""Refuses requests to AWS services that the laptop does not have, each in the form that the service's clients read.

`AWS_ENDPOINT_URL` sends every service's requests here. A signed request names its service; signatures are not checked.
"""

import json
import re
from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

from contradance.local.invocation.gateway import HttpResponse
from contradance.printable import printable

_SCOPE: Final = re.compile(r"AWS4-[A-Z0-9-]+ Credential=[^/,\s]*/[0-9]*/(?:[^/,\s]*/)?([a-z0-9-]+)/aws4_request")
_OF_ROUTES: Final = "execute-api"
"""The service that clients of API Gateway sign for."""
_ACTION: Final = re.compile(r"(?:^|&)Action=([A-Za-z0-9]{1,128})(?:&|$)")
_FORM: Final = "application/x-www-form-urlencoded"
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
    """Return the 400 response for a service or protocol that the laptop lacks, in the JSON or XML of its clients."""
    form = headers.get("content-type", "").startswith(_FORM)
    action = _ACTION.search(body.decode("latin-1")) if form else None
    operation = action[1] if action else headers.get("x-amz-target", f"{method} {path}").rpartition(".")[2]
    message = (
        f"The laptop does not answer {printable(operation[:200])} of {service}: it has EventBridge, SQS and Lambda's Invoke, "
        "in the protocols of today's clients."
    )
    if service in _OF_S3:
        return _xml(f"<Error><Code>{_CODE}</Code><Message>{escape(message)}</Message></Error>")
    error = f"<Code>{_CODE}</Code><Message>{escape(message)}</Message>"
    if service == "ec2":
        return _xml(f"<Response><Errors><Error>{error}</Error></Errors></Response>")
    if form or service in _IN_XML:
        return _xml(f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>")
    named = {"content-type": "application/json", "x-amzn-errortype": _CODE}
    return HttpResponse(_STATUS, named, json.dumps({"__type": _CODE, "message": message}))


def _xml(text: str) -> HttpResponse:
    """Return a response of status 400 with this XML."""
    return HttpResponse(_STATUS, {"content-type": "text/xml"}, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
