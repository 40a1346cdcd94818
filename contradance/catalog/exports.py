"""Exports contracts to other formats: JSON Schema, AsyncAPI and EventBridge's schema registry."""

import json
from typing import Any, Literal

from contradance.catalog.asyncapi import asyncapi
from contradance.catalog.eventbridge import TYPE, registry_schema
from contradance.choreography import Choreography
from contradance.contract import Contract
from contradance.registry import Registry
from contradance.schemas import schema_of

ExportFormat = Literal["jsonschema", "asyncapi", "eventbridge"]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def export(checked: Choreography | Registry, form: ExportFormat, *, function: str | None = None) -> dict[str, Any]:
    """Return contracts in another format, as JSON documents by file name; `function` narrows `asyncapi` only.

    Args:
        checked: the choreography, or a registry.
        form: `jsonschema`: the data of each contract, 2020-12; `asyncapi`: one document; `eventbridge`: one `CreateSchema`
            request of EventBridge's schema registry for each contract.
        function: for `asyncapi`: the only function that the document covers.
    """
    registry = checked if isinstance(checked, Registry) else checked.contracts
    if form == "asyncapi":
        return {f"{function or checked.name}.asyncapi.json": asyncapi(checked, function=function)}
    make = _json_schema_file if form == "jsonschema" else _create_schema_file
    return dict(make(contract) for contract in registry)


def document_text(document: object) -> str:
    """Return a document as JSON text for a file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _json_schema_file(contract: type[Contract]) -> tuple[str, object]:
    """Return (file name, JSON Schema with its dialect and id) of a contract."""
    source, detail_type, version = contract.identity
    identified = {"$schema": DIALECT, "$id": f"contract:{source}/{detail_type}/v{version}"}
    return f"{source}/{detail_type}/v{version}.schema.json", {**identified, **schema_of(contract)}


def _create_schema_file(contract: type[Contract]) -> tuple[str, object]:
    """Return (file name, `CreateSchema` request) of a contract."""
    schema = registry_schema(contract)
    request = {"SchemaName": schema.name, "Type": TYPE, "Description": schema.description, "Content": schema.content}
    return f"{schema.name}.json", request
