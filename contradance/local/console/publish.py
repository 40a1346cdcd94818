"""Publish: a form made from a contract's schema, filled with its example; each error is beside its field."""

import copy
import json
from typing import Any, Final

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contradance.contentfilter import EventClass
from contradance.contract import Contract, is_contract
from contradance.envelope import seal_initial
from contradance.errors import ContractViolation
from contradance.foreign import ForeignEvent, id_at, is_foreign
from contradance.local.console.contracts import example_of
from contradance.local.console.pages import Pages, flow_page
from contradance.local.console.schema_form import MOST_ITEMS, SchemaForm, input_id
from contradance.local.console.submitted import SubmittedForm
from contradance.local.laptop import Laptop
from contradance.operate.foreign import publish_foreign
from contradance.runtime.publish import publish
from contradance.schemas import schema_of
from contradance.violation import problems
from contradance.wire import read_closed, read_tolerant

PUBLISHER: Final = "contradance.console"
"""The publisher of an event that was published on this page."""
_SECONDS: Final = 10.0


class PublishPage:
    """One form for each contract."""

    def __init__(self, laptop: Laptop, pages: Pages) -> None:
        self._laptop = laptop
        self._pages = pages
        self._contracts: dict[str, EventClass] = {
            str(contract.identity): contract for contract in laptop.choreography.contracts
        }
        self._contracts |= {str(one.identity): one.models[0] for one in laptop.choreography.foreign}

    def show(self, request: Request) -> Response:
        """Show the form of a contract, filled with its example; for an unknown one, only the choice of contracts."""
        contract = self._contracts.get(request.query_params.get("contract", ""))
        if contract is None:
            return self._pages.page("publish", "publish", contracts=self._contracts, chosen="", fields=(), problems=[])
        return self._form(contract, example_of(contract), {})

    def take(self, _request: Request, form: SubmittedForm) -> Response:
        """Publish a form's data and redirect to its flow, or show it again: invalid, or an item added or removed."""
        contract = self._contracts.get(form.first("contract"))
        if contract is None:
            return self._pages.page("refused", "publish", status=404, why="The registry holds no such contract.")
        data, errors = _form_of(contract).read(form)
        verb, _, path = form.first("do").partition(":")
        if verb in ("add", "remove"):
            return self._form(contract, _with_item_changed(data, path, remove=verb == "remove"), errors)
        if not errors:
            try:
                if is_contract(contract):
                    return self._publish(read_closed(contract, json.dumps(data)))
                if is_foreign(contract):
                    return self._publish_foreign(contract, json.dumps(_without_nulls(data)))
            except ValidationError as error:
                errors = dict(reversed(problems(error)))
            except ContractViolation as error:
                errors = {"": str(error)}
        return self._form(contract, data, errors)

    def _publish(self, event: Contract) -> Response:
        """Publish an event of a contract, and redirect to its flow."""
        clock = self._laptop.clock
        sealed = seal_initial(event, publisher=PUBLISHER, occurred_at=clock.now())
        publish(sealed, self._laptop.bus, self._laptop.choreography.name, clock, _SECONDS)
        return RedirectResponse(f"{flow_page(sealed[-1].correlation_id)}?event={sealed[-1].event_id}", 303)

    def _publish_foreign(self, kind: type[ForeignEvent], detail: str) -> Response:
        """Publish an event of others and redirect to its flow; raise `ValidationError` if it is invalid."""
        choreography = self._laptop.choreography
        read_tolerant(kind, detail)  # its problems are shown beside the fields
        event_id = publish_foreign(choreography, kind, detail, self._laptop.bus.put_any)
        flow = id_at({"id": event_id, "detail": json.loads(detail)}, kind.origin.correlation)
        return RedirectResponse(f"{flow_page(flow)}?event={event_id}", 303)

    def _form(self, contract: EventClass, data: Any, errors: dict[str, str]) -> Response:
        """Show a contract's form with this data (None: empty), and errors by path; with errors, the status is 422."""
        return self._pages.page(
            "publish",
            "publish",
            status=422 if errors else 200,
            contracts=self._contracts,
            chosen=str(contract.identity),
            about=(contract.__doc__ or "").strip(),
            consumers=self._consumers(contract),
            has_example=data is not None,
            fields=_form_of(contract).fields(data, errors),
            problems=[(input_id(path), path, message) for path, message in errors.items()],
        )

    def _consumers(self, contract: EventClass) -> list[str]:
        """Return the names of the functions that consume a contract, or an event of others."""
        if is_contract(contract):
            return [*self._laptop.choreography.receivers(contract)]
        foreign = self._laptop.choreography.foreign
        return [name for one in foreign if one.identity == contract.identity for name in one.consumers]


def _form_of(contract: EventClass) -> SchemaForm:
    """Return the form for the schema of a contract, or of an event of others."""
    if is_contract(contract):
        return SchemaForm(schema_of(contract, "validation"))
    return SchemaForm(contract.model_json_schema(mode="validation"))


def _without_nulls(data: Any) -> Any:
    """Return JSON data without null fields of objects, at any depth, as others publish it; nulls in lists stay."""
    if isinstance(data, dict):
        return {name: _without_nulls(value) for name, value in data.items() if value is not None}
    return [_without_nulls(value) for value in data] if isinstance(data, list) else data


def _with_item_changed(data: Any, path: str, *, remove: bool) -> Any:
    """Add an item to the list at `path` in data, or `remove` the one there; return data, unchanged if wrong or full."""
    *steps, last = path.split(".")
    try:
        holder = data
        for step in steps:
            holder = holder[int(step) if isinstance(holder, list) else step]
        if remove:
            del holder[int(last)]
        elif len(holder[last]) < MOST_ITEMS:
            holder[last].append(copy.deepcopy(holder[last][-1]) if holder[last] else None)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return data  # no button of the form has this path
    return data
