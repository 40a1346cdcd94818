"""The laptop's address, and the names and ARNs of its resources, in the shapes of AWS's own."""

from datetime import datetime
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
"""Loopback only: other machines cannot connect."""
DEFAULT_PORT: Final = 8700
DEFAULT_STATE: Final = Path(".contradance")
"""The folder of the laptop's state."""
ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
_LONGEST_ARCHIVE: Final = 48
"""Maximum length of an archive's name. EventBridge API reference, CreateArchive."""
_DEAD_LETTERS: Final = "-dead-letters"


def aws_name(function: str) -> str:
    """Return the name of a function's Lambda, rule and source queue: `loans-lend_book` for `loans.lend_book`."""
    return function.replace(".", "-")


def dead_letter_queue(function: str) -> str:
    """Return the name of a function's dead letter queue."""
    return aws_name(function) + _DEAD_LETTERS


def bus_arn(bus: str) -> str:
    """Return the ARN of a bus."""
    return f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{bus}"


def rule_arn(bus: str, function: str) -> str:
    """Return the ARN of a subscriber's rule; on the default bus it does not name the bus."""
    from contradance.foreign import DEFAULT_BUS  # noqa: PLC0415 - the options of commands need only the other names

    return f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{'' if bus == DEFAULT_BUS else f'{bus}/'}{aws_name(function)}"


def archive_name(bus: str) -> str:
    """Return the name of a bus's archive: of a long name, the last 48 characters."""
    return f"{bus}-archive"[-_LONGEST_ARCHIVE:]


def archive_arn(bus: str) -> str:
    """Return the ARN of a bus's archive."""
    return f"arn:aws:events:{REGION}:{ACCOUNT}:archive/{archive_name(bus)}"


def replay_arn(replay: str) -> str:
    """Return the ARN of a replay."""
    return f"arn:aws:events:{REGION}:{ACCOUNT}:replay/{replay}"


def function_arn(function: str) -> str:
    """Return the ARN of a function."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{aws_name(function)}"


def schedule_arn(function: str) -> str:
    """Return the ARN of a scheduled function's schedule."""
    return f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{aws_name(function)}"


def scheduled_time(moment: datetime) -> str:
    """Return a moment, which must be in UTC, as Scheduler writes it: `2026-01-29T12:00:00Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def queue_arn(queue: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"


def queue_url(url: str, queue: str) -> str:
    """Return the URL of a queue on a laptop whose server is at `url`."""
    return f"{url}/{ACCOUNT}/{queue}"
