"""The event `Object Created` of Amazon S3."""

from aws_lambda_powertools.utilities.parser.models import S3EventNotificationEventBridgeDetailModel

from contradance import ForeignEvent


class ObjectCreated(
    ForeignEvent,
    S3EventNotificationEventBridgeDetailModel,
    source="aws.s3",
    detail_type="Object Created",
    bus="default",
    once_by=("bucket.name", "object.key", "object.sequencer"),
    subject="object.key",
):
    """S3 stored an object."""
