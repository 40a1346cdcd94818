"""What every contestant is given: the event, Lambda's context, the environment, AWS's answers, and contracts."""

import json
from pathlib import Path
from typing import Any

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "BookLent",
    "source": "library.loans",
    "account": "111122223333",
    "time": "2026-01-31T18:00:00Z",
    "region": "eu-central-1",
    "resources": [],
    "detail": {
        "metadata": {
            "event_id": "0d9b6f0c-6b6f-5a0e-8a43-c3a0f9c1e7d2",
            "version": 1,
            "occurred_at": "2026-01-31T18:00:00Z",
            "subject": "6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11",
            "correlation_id": "b2f0a6a8-5b9e-4f63-9a44-0f7a55e1c9d3",
            "publisher": "loans.lend_book",
        },
        "data": {
            "loan_id": "6f1c1a3e-58d6-4b0c-9d0e-0f6a4b6c2a11",
            "reader": {"reader_id": "ada", "name": "Ada Example", "email": "ada@example.com"},
            "books": [
                {"isbn": f"978-3-16-14841{number}-0", "title": "A book about books", "copies": 1} for number in range(3)
            ],
            "fee": 150,
            "lent_at": "2026-01-31T18:00:00Z",
        },
    },
}
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_LAMBDA_FUNCTION_NAME": "library-reminders-remind",
    "POWERTOOLS_SERVICE_NAME": "reminders",
    "POWERTOOLS_METRICS_NAMESPACE": "library",
    "CONTRADANCE_FUNCTION": "lambdas.ours:remind",
    "CONTRADANCE_BUS": "library",
    "CONTRADANCE_ONCE_TABLE": "once",
    "CONTRADANCE_TABLES": '{"reminders.reminders": "reminders"}',
    "CONTRADANCE_DEAD_LETTERS": "https://sqs.eu-central-1.amazonaws.com/111122223333/dead",
    "CONTRADANCE_REMEMBER_SECONDS": "1209600",
}
_PER_MODULE = 5


class Context:
    """Lambda's context."""

    function_name = "library-reminders-remind"
    memory_limit_in_mb = "256"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:111122223333:function:library-reminders-remind"
    aws_request_id = "52fdfc07-2182-454f-963f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:
        """Return half a minute."""
        return 30_000


def answer(target: str, body: bytes) -> bytes:
    """Return what AWS answers to a request."""
    if not target.endswith("PutEvents"):
        return b"{}"
    entries = [{"EventId": str(number)} for number in range(len(json.loads(body)["Entries"]))]
    return json.dumps({"FailedEntryCount": 0, "Entries": entries}).encode()


def write_contracts(folder: Path, contracts: int) -> None:
    """Write a package of contracts, five to a module, of which a function uses the first two, and its registry."""
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    names = ["BookLent", "ReminderPlanned", *(f"Happened{number}" for number in range(2, contracts))]
    modules = [names[start : start + _PER_MODULE] for start in range(0, len(names), _PER_MODULE)]
    for number, module in enumerate(modules):
        (folder / f"m{number}.py").write_text(_HEAD + "".join(map(_contract, module)))
    imports = [f"from lambdas.contracts.m{number} import {', '.join(module)}" for number, module in enumerate(modules)]
    registry = f'registry = Registry("library", [{", ".join(names)}])'
    (folder / "registry.py").write_text("\n".join(["from contradance import Registry", *imports, registry, ""]))


def _contract(name: str) -> str:
    books = "" if name == "ReminderPlanned" else "    books: list[Line] = Field(min_length=1)\n"
    source = "library.reminders" if name == "ReminderPlanned" else "library.loans"
    return _CONTRACT.format(name=name, source=source, books=books)


_HEAD = """
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, Field

from contradance import Contract, Value


class Reader(Value):
    reader_id: str = Field(min_length=1, max_length=64)
    name: str
    email: str


class Line(Value):
    isbn: str
    title: str
    copies: int = Field(gt=0)
"""
_CONTRACT = """

class {name}(Contract, source="{source}", subject="loan_id"):
    loan_id: UUID
    reader: Reader
{books}    fee: int = Field(ge=0)
    lent_at: AwareDatetime
"""
