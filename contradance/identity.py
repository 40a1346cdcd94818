"""A contract's identity: the source, detail-type and version that EventBridge routes by."""

import re
from typing import Final, NamedTuple

from contradance.errors import InvalidContract

MAX_DETAIL_TYPE: Final = 128
"""Longest detail-type, in characters. EventBridge API reference, PutEventsRequestEntry."""

_SOURCE = re.compile(r"[a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*")
_DETAIL_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


class Identity(NamedTuple):
    """The unique identity of a contract: `library.loans/BookLent v1`."""

    source: str
    detail_type: str
    version: int
    """0 for an event of others, which has no version of ours."""

    @property
    def app(self) -> str:
        """The part of `source` before the dot: the application."""
        return self.source.partition(".")[0]

    @property
    def service(self) -> str:
        """The part of `source` after the dot: the publishing service."""
        return self.source.partition(".")[2]

    def __str__(self) -> str:
        return f"{self.source}/{self.detail_type}{f' v{self.version}' if self.version else ''}"


def check_identity(identity: Identity, owner: str) -> None:
    """Raise `InvalidContract` for an identity that EventBridge cannot route; `owner` names its class in errors."""
    source, detail_type, version = identity
    if str(source).startswith("aws."):
        raise InvalidContract(
            f"{owner} has source {source!r}, but EventBridge reserves 'aws.'.\n"
            "  Name it <app>.<service>, like 'library.loans'."
        )
    if not _SOURCE.fullmatch(str(source)):
        raise InvalidContract(
            f"{owner} has source {source!r}, which is not <app>.<service> in lower case.\n  Name it like 'library.loans'."
        )
    if len(detail_type) > MAX_DETAIL_TYPE:
        raise InvalidContract(
            f"{owner} has a detail-type of {len(detail_type)} characters; EventBridge takes "
            f"{MAX_DETAIL_TYPE}.\n  Give a shorter one with detail_type=."
        )
    if not _DETAIL_TYPE.fullmatch(detail_type):
        raise InvalidContract(
            f"{owner} has detail-type {detail_type!r}, which is not letters, digits, '_', '.' and '-'.\n"
            "  Name it in the past tense, like 'BookLent'."
        )
    if type(version) is not int or version < 1:
        raise InvalidContract(
            f"{owner} has version {version!r}, but versions are whole numbers from 1.\n"
            "  Leave version= out for the first one."
        )
