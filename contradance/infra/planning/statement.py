"""IAM statements as data, and the documents they make."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]
"""Values by key by operator: `{"ArnEquals": {"aws:SourceArn": "arn:..."}}`."""

_canonical: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """One Allow. There is no Deny here: what is not allowed is denied."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = field(default_factory=dict)
    service: str | None = None
    """The AWS service that is allowed, in a policy of a resource; None in a role's own policy."""

    def as_json(self) -> dict[str, object]:
        """Return the statement as IAM spells it."""
        spelled: dict[str, object] = {"Sid": self.sid, "Effect": "Allow", "Action": self.actions}
        if self.resources:
            spelled["Resource"] = self.resources
        if self.service:
            spelled["Principal"] = {"Service": self.service}
        if self.conditions:
            spelled["Condition"] = self.conditions
        return spelled


def document(*statements: Statement) -> str:
    """Return the policy that `statements` make: the same text for the same statements, so that nothing differs twice."""
    return canonical({"Version": "2012-10-17", "Statement": [statement.as_json() for statement in statements]})


def trust(service: str, conditions: Conditions | None = None) -> str:
    """Return the policy by which `service` may take a role."""
    return document(Statement("AssumeRole", ("sts:AssumeRole",), (), conditions or {}, service))


def canonical(value: object) -> str:
    """Return JSON with sorted keys and no spaces: equal values make equal text."""
    return _canonical.encode(value)
