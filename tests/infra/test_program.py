"""The whole program, as it registers its resources."""

from pathlib import Path

from contradance.deployed import Deployed
from tests.infra.stack import deployed


def test_the_outputs_are_what_operate_reads(tmp_path: Path) -> None:
    deployment = deployed(tmp_path)

    told = Deployed.model_validate(deployment.outputs["deployed"])
    assert told.bus_name == "food-delivery-dev"
    assert told.functions["payments.process_payment"].queue_url
    assert told.functions["loyalty.add_loyalty_points"].queue_url is None
