"""An AsyncAPI 3 document of a choreography: channels and messages of contracts, operations of functions.

Each function is an application in AsyncAPI's sense: `x-applications` lists the operations of each, and a document may cover
one function only. A channel is one contract on the bus; its messages are EventBridge's `detail`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from contradance.catalog import foreign
from contradance.catalog.draft7 import definitions, to_draft7
from contradance.choreography import AnyFunction, Choreography, Edge, Relied
from contradance.compatibility.keywords import JsonSchema
from contradance.contract import Contract
from contradance.envelope import Metadata
from contradance.errors import DeclarationError
from contradance.function import Schedule
from contradance.httproute import Route
from contradance.registry import Registry
from contradance.schemas import schema_of
from contradance.subscription import Subscription

ASYNCAPI: Final = "3.0.0"
_METADATA: Final = "metadata"

AsyncApiDocument = dict[str, Any]


def asyncapi(
    checked: Choreography | Registry, *, version: str = "1.0.0", function: str | None = None
) -> AsyncApiDocument:
    """Return the AsyncAPI document of a choreography, of one of its functions, or of contracts alone.

    Args:
        checked: the choreography, or a registry.
        version: version of the document in its `info`.
        function: the only function that the document covers: `loans.remind_reader`.

    Raises:
        DeclarationError: the choreography does not have the function.
    """
    choreography = checked if isinstance(checked, Choreography) else None
    functions = _selected_functions(choreography, function)
    edges = [edge for edge in dict.fromkeys(choreography.edges if choreography else ()) if edge.function in functions]
    used = {edge.contract for edge in edges}
    registry = checked if isinstance(checked, Registry) else checked.contracts
    contracts = [contract for contract in registry if contract in used or function is None]
    relied = foreign.events_consumed_by(choreography, functions)
    title = function or checked.name
    return {
        "asyncapi": ASYNCAPI,
        "info": {"title": title, "version": version, "description": _description(functions.get(function or ""))},
        "defaultContentType": "application/json",
        "channels": {
            **{_contract_key(contract): _channel(contract, choreography) for contract in contracts},
            **foreign.channels(relied),
        },
        "operations": {
            **{_operation_key(edge): _operation(edge, functions[edge.function]) for edge in edges},
            **foreign.operations(relied, choreography),
        },
        "components": {
            "messages": {
                **{_contract_key(contract): _message(contract) for contract in contracts},
                **foreign.messages(relied),
            },
            "schemas": {**_schemas(contracts), **foreign.schemas(relied)},
        },
        "x-applications": {name: _application(one, edges, relied) for name, one in functions.items()},
    }


def _selected_functions(choreography: Choreography | None, function: str | None) -> Mapping[str, AnyFunction]:
    """Return the functions of the document by name, all or one; raise `DeclarationError` for an unknown one."""
    known = choreography.functions if choreography else {}
    if function is None:
        return known
    if function not in known:
        raise DeclarationError(
            f"{function!r} is not a function.\n  Name one of: {', '.join(known) or '(no function is known)'}."
        )
    return {function: known[function]}


def _description(function: AnyFunction | None) -> str:
    """Return a function's docstring, else its name; without a function, the description of a whole document."""
    if function is None:
        return "Events on one EventBridge bus, and the functions that publish and consume them."
    return (function.handler.__doc__ or function.name).strip()


def _contract_key(contract: type[Contract]) -> str:
    """Return a contract's key in the document: `library.loans.BookLent.v1`."""
    source, detail_type, version = contract.identity
    return f"{source}.{detail_type}.v{version}"


def _summary(contract: type[Contract]) -> str:
    """Return the first line of a contract's docstring, else its detail-type."""
    return (contract.__doc__ or contract.identity.detail_type).strip().partition("\n")[0]


def _channel(contract: type[Contract], choreography: Choreography | None) -> AsyncApiDocument:
    """Return the channel of a contract: the bus as its address, its message and its identity."""
    source, detail_type, version = contract.identity
    return {
        "address": choreography.name if choreography else None,
        "title": f"{detail_type} v{version}",
        "description": _summary(contract),
        "messages": {_contract_key(contract): {"$ref": f"#/components/messages/{_contract_key(contract)}"}},
        "x-eventbridge": {"source": source, "detail-type": detail_type, "version": version},
    }


def _operation_key(edge: Edge) -> str:
    """Return an operation's key in the document: `loans.lend.publishes.library.loans.BookLent.v1`."""
    return f"{edge.function}.{edge.kind}.{_contract_key(edge.contract)}"


def _operation(edge: Edge, function: AnyFunction) -> AsyncApiDocument:
    """Return the operation with which a function publishes (send) or consumes (receive) a contract."""
    key = _contract_key(edge.contract)
    operation: AsyncApiDocument = {
        "action": "send" if edge.kind == "publishes" else "receive",
        "title": f"{edge.function} {edge.kind} {edge.contract.identity}",
        "summary": _summary(edge.contract),
        "channel": {"$ref": f"#/channels/{key}"},
        "messages": [{"$ref": f"#/channels/{key}/messages/{key}"}],
        "tags": [{"name": function.service}],
        "x-application": edge.function,
    }
    if edge.kind == "consumes" and isinstance(function.trigger, Subscription):
        operation["x-event-pattern"] = function.trigger.pattern.canonical
    return operation


def _message(contract: type[Contract]) -> AsyncApiDocument:
    """Return the message of a contract, whose payload is EventBridge's `detail`."""
    return {
        "name": contract.identity.detail_type,
        "title": str(contract.identity),
        "summary": _summary(contract),
        "correlationId": {"location": "$message.payload#/metadata/correlation_id"},
        "payload": {
            "type": "object",
            "required": ["metadata", "data"],
            "properties": {"metadata": _reference(_METADATA), "data": _reference(_contract_key(contract))},
        },
        "x-failure": contract.failure,
        "x-subject": contract.subject_field,
    }


def _application(function: AnyFunction, edges: Iterable[Edge], relied: Iterable[Relied]) -> AsyncApiDocument:
    """Return a function as an application: service, description, route or schedule, and the keys of its operations."""
    trigger = function.trigger
    triggered_by = trigger.key if isinstance(trigger, Route) else ""
    if isinstance(trigger, Schedule):
        triggered_by = trigger.timetable.label
    return {
        "service": function.service,
        "description": _description(function),
        **({"trigger": triggered_by} if triggered_by else {}),
        "operations": [
            *(_operation_key(edge) for edge in edges if edge.function == function.name),
            *(foreign.operation_key(one, function.name) for one in relied if function.name in one.consumers),
        ],
    }


def _schemas(contracts: Iterable[type[Contract]]) -> dict[str, JsonSchema]:
    """Return the draft 7 schemas of the metadata, of these contracts and of their definitions, by unique names."""
    found: dict[str, JsonSchema] = {_METADATA: to_draft7(Metadata.model_json_schema(mode="serialization"))}
    for contract in contracts:
        key, schema = _contract_key(contract), schema_of(contract)

        def locate(name: str, key: str = key) -> str:
            """Return the reference to a definition of this contract, by its name."""
            return str(_reference(f"{key}.{name}")["$ref"])

        found[key] = to_draft7(schema, locate)
        found |= {f"{key}.{name}": inner for name, inner in definitions(schema, locate).items()}
    return found


def _reference(name: str) -> dict[str, str]:
    """Return a `$ref` to a schema of the document, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}
