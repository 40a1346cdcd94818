"""The program run against moto: each registered resource is created through boto3, and its real ids flow on.

moto has no schema registry, and its HTTP APIs need more than this repository installs: those are not created.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no types

from tests.infra.created import Created
from tests.infra.mocks import REGION


@cache
def client(service: str) -> Any:
    """Return boto3's client of moto; one serves every moto."""
    return boto3.client(service, region_name=REGION, aws_access_key_id="nobody", aws_secret_access_key="nothing")  # noqa: S106 - moto's


@dataclass
class MotoAws(Created):
    """Creates each resource in moto when it is registered."""

    absent = frozenset({"apigatewayv2", "schemas"})

    def client(self, service: str) -> Any:
        return client(service)
