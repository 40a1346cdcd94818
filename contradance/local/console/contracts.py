"""Contracts, with their publishers and consumers."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from contradance.annotation import type_name
from contradance.catalog.sample import sample
from contradance.choreography import Choreography
from contradance.contract import Contract, where_defined
from contradance.errors import InvalidContract
from contradance.foreign import ForeignEvent
from contradance.local.console.pages import Pages
from contradance.pii import is_marked
from contradance.schemas import schema_of
from contradance.wire import to_wire, wire_fields


class ContractPages:
    """The list of contracts, and one contract."""

    def __init__(self, choreography: Choreography, pages: Pages) -> None:
        self._choreography = choreography
        self._pages = pages

    def all(self, _: Request) -> Response:
        """Show every contract by the service that publishes it, and the events of others."""
        services: dict[str, list[dict[str, Any]]] = {}
        for contract in sorted(self._choreography.contracts, key=lambda one: one.identity):
            services.setdefault(contract.identity.source, []).append(self._summary(contract))
        foreign = [
            {"identity": one.identity, "about": one.summary, "places": one.places, "consumers": one.consumers}
            for one in self._choreography.foreign
        ]
        return self._pages.page("contracts", "contracts", services=services, foreign=foreign)

    def one(self, request: Request) -> Response:
        """Show one contract: fields, example, versions, publishers, consumers; a 404 page for an unknown one."""
        parts = request.path_params
        named = f"{parts['source']}/{parts['detail_type']} v{parts['version']}"
        contract = next((one for one in self._choreography.contracts if str(one.identity) == named), None)
        if contract is None:
            return self._pages.page("refused", "contracts", status=404, why="The registry holds no such contract.")
        versions = [one for one in self._choreography.contracts if one.identity[:2] == contract.identity[:2]]
        return self._pages.page(
            "contract",
            "contracts",
            **self._summary(contract),
            file=where_defined(contract),
            fields=[*_fields(contract)],
            versions=sorted((one.identity for one in versions), reverse=True),
            upcasts=contract.upcasts.identity if contract.upcasts else None,
            example=example_of(contract),
            schema=schema_of(contract),
        )

    def _summary(self, contract: type[Contract]) -> dict[str, Any]:
        """Return a contract's identity, description, publishers and consumers, and whether it is a failure."""
        return {
            "identity": contract.identity,
            "about": (contract.__doc__ or "").strip(),
            "failure": contract.failure,
            "publishers": [one.name for one in self._choreography.publishers(contract)],
            "consumers": [one.name for one in self._choreography.consumers(contract)],
        }


def example_of(contract: type[Contract | ForeignEvent]) -> Any:
    """Return the data of an example event of a contract, as JSON values; None if a field has no example."""
    try:
        return json.loads(to_wire(sample(contract)))
    except InvalidContract:
        return None


def _fields(contract: type[Contract]) -> list[dict[str, Any]]:
    """Return a dictionary for each field: JSON name, type, description; whether required, personal, the subject."""
    return [
        {
            "name": name,
            "type": type_name(field.annotation),
            "required": field.is_required(),
            "about": field.description or "",
            "personal": is_marked(field),
            "subject": own == contract.subject_field,
        }
        for name, (own, field) in wire_fields(contract).items()
    ]
