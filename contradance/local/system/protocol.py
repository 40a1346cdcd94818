"""The requests and responses of the laptop's JSON API."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from contradance.deployed import Deployed
from contradance.local.state.pulled import PulledLetter, PulledRow
from contradance.operate.ports import Hang

API_PREFIX: Final = "/_contradance/api/"
"""Start of every path of the API."""


class ApiRequest(BaseModel):
    """What every request that changes something has."""

    state: str
    """The folder of the laptop that is meant: a command never changes another laptop than the one that it reads."""


class LettersRequest(ApiRequest):
    """Redrive or delete some dead letters of one function."""

    function: str
    messages: Sequence[str]
    """Their message ids."""


class LettersResponse(BaseModel):
    """The dead letters that were redriven or deleted."""

    messages: Sequence[str]


class ReplayRequest(ApiRequest):
    """Replay a window of the archive to one function."""

    name: str
    function: str
    first: datetime
    last: datetime


class RetryRequest(ApiRequest):
    """Make the next attempt of pending deliveries now."""

    term: str | None
    """A function, a subject, or an event's or a flow's id or its unique start; None for every postponed delivery."""


class RetriedDelivery(BaseModel):
    """A delivery whose next attempt is made now."""

    function: str
    event_id: str
    attempt: int
    """Number of that attempt; 1 is the first."""


class RetryResponse(BaseModel):
    """The deliveries whose next attempt is made now."""

    deliveries: Sequence[RetriedDelivery]


class ScheduleRequest(ApiRequest):
    """Run a scheduled function once, now."""

    function: str


class ScheduleResponse(BaseModel):
    """The run that was accepted."""

    flow: str


class PulledRequest(ApiRequest):
    """Put dead letters of another system on the laptop's queues, and rows into its tables."""

    letters: Sequence[PulledLetter]
    rows: Sequence[PulledRow] = ()


class EventsRequest(BaseModel):
    """Publish events: entries as in EventBridge's PutEvents."""

    entries: Sequence[Mapping[str, Any]]


class SystemDescription(BaseModel):
    """What the laptop runs: its code may be older than the files of the project."""

    state: str
    deployed: Deployed
    patterns: Mapping[str, str]
    """The event pattern of each subscriber, as JSON."""
    hangs: Sequence[Hang] = ()
    """The invocations that hang at this moment."""
