"""IAM statements as data, and policy documents."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]
"""Conditions by operator, then by key: `{"ArnEquals": {"aws:SourceArn": "arn:..."}}`."""

_canonical: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """An IAM statement that allows actions. contradance never uses Deny: IAM denies everything that is not allowed."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = field(default_factory=dict)
    service: str | None = None
    """The allowed AWS service in a resource policy; None in a role's own policy."""

    def as_json(self) -> dict[str, object]:
        """Return the statement in IAM's JSON form, without fields that are empty."""
        statement: dict[str, object] = {"Sid": self.sid, "Effect": "Allow", "Action": self.actions}
        if self.resources:
            statement["Resource"] = self.resources
        if self.service:
            statement["Principal"] = {"Service": self.service}
        if self.conditions:
            statement["Condition"] = self.conditions
        return statement


def document(*statements: Statement) -> str:
    """Return the policy document of `statements` as JSON; equal statements make equal text.

    So an update of an unchanged policy shows no difference.
    """
    return canonical({"Version": "2012-10-17", "Statement": [statement.as_json() for statement in statements]})


def trust(service: str, conditions: Conditions | None = None) -> str:
    """Return the trust policy of a role that `service` may assume, under these conditions."""
    return document(Statement("AssumeRole", ("sts:AssumeRole",), (), conditions or {}, service))


def canonical(value: object) -> str:
    """Return canonical JSON, with sorted keys and no spaces: equal values make equal text."""
    return _canonical.encode(value)
