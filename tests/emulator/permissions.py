"""Holds the calls of a function against the policy of its role."""

from collections.abc import Mapping
from typing import Any

from tests.infra.iam import allows, asked


def denials(policy: str, service: str, operation: str, request: Mapping[str, Any]) -> list[str]:
    """Return what a call needs and its policy does not allow, each as an action and a resource."""
    return [
        " ".join((one.action, one.resource, *(f"{key}={values}" for key, values in one.said.items())))
        for one in asked(service, operation, request)
        if not allows(policy, one)
    ]
