"""The addresses of AWS services by the environment, and whether the runtime's own client supports it."""

import os
import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from contradance.runtime.aws import variable_names

SERVICES: Final = {"dynamodb": "DYNAMODB", "events": "EVENTBRIDGE", "sqs": "SQS", "ssm": "SSM"}
"""Services by the name in their addresses, each with its name in environment variables."""
_REGION: Final = re.compile(r"(?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-)?(?:north|south|east|west|central)+-\d+")
"""Regions with the usual addresses; isolated and sovereign partitions have others."""
_TRUE: Final = ("1", "true")
_PORTS: Final = {"http": 80, "https": 443}
_BOTO3_ONLY: Final = (
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_PROFILE",
    "AWS_SIGV4A_SIGNING_REGION_SET",
)
"""Variables with effects that only boto3 implements."""
_CONFIG_FILE: Final = "~/.aws/config"


class Endpoint(NamedTuple):
    """The address of a service."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Value of the Host header: the host, with the port if it is not the scheme's usual one."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == _PORTS[self.scheme] else f"{shown}:{self.port}"


class UnsupportedConfig(Exception):
    """The environment asks for something that the runtime's own client does not support; the message names it."""


def region_of(environ: Mapping[str, str]) -> str:
    """Return the region, AWS_DEFAULT_REGION before AWS_REGION; raise `UnsupportedConfig` for an unusual one."""
    region = environ.get("AWS_DEFAULT_REGION") or environ.get("AWS_REGION") or ""
    if not _REGION.fullmatch(region):
        raise UnsupportedConfig(f"the region {region or 'that is not set'}")
    return region


def endpoint(environ: Mapping[str, str], service: str, region: str) -> Endpoint:
    """Return the address of `service`, configured or AWS's; `UnsupportedConfig` if it is more than host and port."""
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
    """Raise `UnsupportedConfig` when boto3 would act differently from the own client in this environment."""
    if asked := environ.get(variable_names.CLIENT):
        raise UnsupportedConfig(f"{variable_names.CLIENT}={asked}")
    if not (environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY")):
        raise UnsupportedConfig("credentials that are not in the environment")
    for name in _BOTO3_ONLY:
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
