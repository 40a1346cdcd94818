"""Mails members about what happened."""

import logging

from contradance import subscriber
from photo_contracts.gallery import DigestMade, PhotoIndexed
from photo_contracts.prints import PrintOrdered, PrintSent

_LOG = logging.getLogger(__name__)


@subscriber()
def notify_member(event: PhotoIndexed | DigestMade | PrintOrdered | PrintSent) -> None:
    """Log the mail that a real system would send."""
    _LOG.info("mail about %s %s", type(event).__name__, event.subject)
