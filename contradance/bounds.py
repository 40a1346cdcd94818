"""Upper limits of everything that records a failure: an error, a dead letter's reason, an answer, a journal record.

A failure has to fit where it is written, and to be read by a person. Its size never depends on the size of the input.
"""

from typing import Final

from contradance.printable import encodable

MAX_PROBLEMS: Final = 20
"""Problems that an error names; of the others it gives the number."""
MAX_COUNTED: Final = 200_000
"""Problems that are counted; the rest of the input is not validated."""
MAX_PATH: Final = 200
"""Characters of the path of one problem: an unknown field may have any name."""
MAX_PROBLEM: Final = 400
"""Characters of the message of one problem."""
MAX_REASON_BYTES: Final = 4 * 1024
"""Bytes of a dead letter's reason, and of the error in a journal record."""
MAX_TRACEBACK_BYTES: Final = 32 * 1024
"""Bytes of a traceback in a log line. CloudWatch stores log events of up to 256 KB everywhere."""
MAX_PROBLEM_ANSWER_BYTES: Final = 64 * 1024
"""Bytes of the body of an error response."""
MAX_SHOWN_BYTES: Final = 16 * 1024
"""Bytes of one event on a page of the console, which shows up to 50."""
MAX_MESSAGE_BYTES: Final = 1_048_576
"""Largest message, attributes included, in bytes. SQS developer guide, quotas-messages."""
INTEGERS: Final = range(-(2**63), 2**63)
"""Integers that EventBridge accepts in an event. EventBridge API reference, PutEvents."""
MAX_ID: Final = 256
"""Characters of an event's id, and of a name in its metadata. The key of its once-record holds function and source too,
and DynamoDB accepts keys of 2,048 bytes."""
MAX_SUBJECT: Final = 1_024
"""Characters of an event's subject."""
MAX_NAME_BYTES: Final = 4 * 1024
"""Bytes of an id or a name in a journal record."""

_CUT: Final = "…"


def within(number: int, allowed: range) -> bool:
    """Whether an integer is within a range without steps. `in` would count up to the value of a subclass of int."""
    return allowed.start <= number < allowed.stop


def shortened(text: str, most_bytes: int) -> str:
    """Return `text`, cut to `most_bytes` bytes of UTF-8 with an ellipsis; a lone surrogate is shown escaped."""
    text = encodable(text[: most_bytes + 1])  # one more, so that a cut is seen
    encoded = text.encode()
    if len(encoded) <= most_bytes:
        return text
    cut = _CUT if most_bytes >= len(_CUT.encode()) else ""
    return encoded[: most_bytes - len(cut.encode())].decode(errors="ignore") + cut
