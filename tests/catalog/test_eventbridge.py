"""What EventBridge's schema registry is given."""

import json

import pytest
from jsonschema import Draft4Validator

from contradance import Contract
from contradance.catalog.eventbridge import LONGEST_SCHEMA, registry_schema
from contradance.testing import sample
from food_contracts.registry import registry


@pytest.mark.parametrize("contract", [*registry], ids=lambda contract: contract.__name__)
def test_a_registry_schema_takes_the_contracts_events(contract: type[Contract]) -> None:
    schema = registry_schema(contract)
    content = json.loads(schema.content)
    data = json.loads(sample(contract).model_dump_json())

    assert schema.name == f"{contract.identity.source}@{contract.identity.detail_type}-v1"
    assert schema == registry_schema(contract)
    assert len(schema.content) < LONGEST_SCHEMA
    Draft4Validator.check_schema(content)
    Draft4Validator(content).validate(data)
    assert not Draft4Validator(content).is_valid({**data, "order_id": 1})
