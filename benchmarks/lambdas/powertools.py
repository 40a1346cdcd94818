"""The same function as it is written with Powertools and boto3: parser, idempotency, logger, metrics; no Tracer."""

import json
import os
from datetime import UTC, datetime
from uuid import uuid4

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
)
from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.parser.envelopes import EventBridgeEnvelope

from lambdas.models import Detail, ReminderPlanned

logger = Logger()
metrics = Metrics()
dynamodb = boto3.client("dynamodb")
events = boto3.client("events")
config = IdempotencyConfig(event_key_jmespath="detail.metadata.event_id")


@logger.inject_lambda_context(correlation_id_path="detail.metadata.correlation_id")
@metrics.log_metrics
@idempotent(config=config, persistence_store=DynamoDBPersistenceLayer(table_name="once"))
def handler(event, context):  # noqa: ANN001, ANN201, ARG001 - as it is written
    """Validate, write a row, publish an event."""
    detail = parse(event, model=Detail, envelope=EventBridgeEnvelope)
    lent = detail.data
    logger.info("Planning for loan: %s", lent.loan_id)
    row = {"loan_id": {"S": str(lent.loan_id)}, "reader": {"S": lent.reader.name}, "fee": {"N": str(lent.fee)}}
    dynamodb.put_item(TableName="reminders", Item=row)
    planned = ReminderPlanned(loan_id=lent.loan_id, reader=lent.reader, fee=lent.fee, lent_at=lent.lent_at)
    metadata = {
        "event_id": str(uuid4()),
        "version": 1,
        "occurred_at": datetime.now(UTC).isoformat(),
        "subject": str(lent.loan_id),
        "correlation_id": detail.metadata.correlation_id,
        "causation_id": detail.metadata.event_id,
    }
    published = {"metadata": metadata, "data": planned.model_dump(mode="json")}
    entry = {
        "Source": "library.reminders",
        "DetailType": "ReminderPlanned",
        "Detail": json.dumps(published),
        "EventBusName": os.environ["CONTRADANCE_BUS"],
    }
    answer = events.put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise RuntimeError("not published")
    metrics.add_metric(name="consumed", unit=MetricUnit.Count, value=1)


def invoke(event, context):  # noqa: ANN001, ANN201 - as it is written
    """Call the handler."""
    return handler(event, context)
