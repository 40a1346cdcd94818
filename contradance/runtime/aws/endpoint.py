"""Where the services are, as the environment says, and whether the runtime's own client can go there."""

import os
import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from contradance.runtime.aws import variable_names

SERVICES: Final = {"dynamodb": "DYNAMODB", "events": "EVENTBRIDGE", "sqs": "SQS", "ssm": "SSM"}
"""The services, by the names in their addresses, with their names in environment variables."""
_REGION: Final = re.compile(r"(?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-)?(?:north|south|east|west|central)+-\d+")
"""The regions whose addresses are known here: not those of isolated and sovereign partitions."""
_TRUE: Final = ("1", "true")
_PORTS: Final = {"http": 80, "https": 443}
_ELSEWHERE: Final = (
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_PROFILE",
    "AWS_SIGV4A_SIGNING_REGION_SET",
)
"""Variables that send the reader of the environment on to what only boto3 reads."""
_CONFIG_FILE: Final = "~/.aws/config"


class Endpoint(NamedTuple):
    """Where requests go."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """What the Host header says."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == _PORTS[self.scheme] else f"{shown}:{self.port}"


class UnsupportedConfig(Exception):
    """The environment asks for something that the own client cannot do; the message says what."""


def region_of(environ: Mapping[str, str]) -> str:
    """Return the region; boto3 knows another variable first than Lambda sets."""
    region = environ.get("AWS_DEFAULT_REGION") or environ.get("AWS_REGION") or ""
    if not _REGION.fullmatch(region):
        raise UnsupportedConfig(f"the region {region or 'that is not set'}")
    return region


def endpoint(environ: Mapping[str, str], service: str, region: str) -> Endpoint:
    """Return where `service` is: where the environment says, else where AWS has it."""
    given = None
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() not in _TRUE:
        given = environ.get(f"AWS_ENDPOINT_URL_{SERVICES[service]}") or environ.get("AWS_ENDPOINT_URL")
    if not given:
        return Endpoint("https", f"{service}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}", 443)
    parts = urlsplit(given)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
        raise UnsupportedConfig("an endpoint that is more than a host and a port")
    return Endpoint(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])


def check(environ: Mapping[str, str]) -> None:
    """Raise `UnsupportedConfig` where the own client would do something else than the environment asks for."""
    if asked := environ.get(variable_names.CLIENT):
        raise UnsupportedConfig(f"{variable_names.CLIENT}={asked}")
    if not (environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY")):
        raise UnsupportedConfig("credentials that are not in the environment")
    for name in _ELSEWHERE:
        if environ.get(name):
            raise UnsupportedConfig(name)
    for name in ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"):
        if environ.get(name, "").lower() in _TRUE:
            raise UnsupportedConfig(name)
    if environ.get("AWS_RETRY_MODE", "").lower() == "adaptive":
        raise UnsupportedConfig("AWS_RETRY_MODE=adaptive")
    if environ.get("AWS_ACCOUNT_ID_ENDPOINT_MODE", "").lower() == "required":
        raise UnsupportedConfig("AWS_ACCOUNT_ID_ENDPOINT_MODE=required")
    home = environ.get("HOME")
    if home and os.path.exists(os.path.join(home, _CONFIG_FILE[2:])):  # noqa: PTH110, PTH118 - pathlib is a slow import
        raise UnsupportedConfig(_CONFIG_FILE)
