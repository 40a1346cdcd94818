"""The photo album on Pulumi's own engine: rules on three buses, archives, and a schedule in Berlin."""

import json
import shutil
from pathlib import Path

import pytest

from contradance.deployed import OUTPUT, Deployed
from tests.engine.aws.account import Resource
from tests.engine.aws.demands import BUS, RULE
from tests.engine.stack import ROOT, Stack, Workspace

pytestmark = pytest.mark.engine

CONFIG = {
    "buses": json.dumps({"print_shop": "aws.partner/printshop.example/4711/orders"}),
    "archives": json.dumps({"default": 14, "print_shop": 14}),
}
PRINT_SHOP = "aws.partner/printshop.example/4711/orders"


def photos(workspace: Workspace) -> Path:
    """Return a copy of the photo album."""
    copy = workspace.folder / "photos"
    shutil.copytree(ROOT / "examples" / "photos", copy, ignore=shutil.ignore_patterns("__pycache__", ".contradance"))
    (copy / "Pulumi.dev.yaml").unlink()
    program = (copy / "Pulumi.yaml").read_text(encoding="utf-8").replace("../../.venv", ".venv")
    (copy / "Pulumi.yaml").write_text(program, encoding="utf-8")
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


def test_preview_and_up_create_each_rule_on_its_bus_and_a_second_up_changes_nothing(workspace: Workspace) -> None:
    bus = workspace.account.arn("events", f"event-bus/{PRINT_SHOP}")
    workspace.account.add(Resource(BUS, PRINT_SHOP, {"name": PRINT_SHOP}, {"id": PRINT_SHOP, "arn": bus}))
    stack = Stack(workspace, photos(workspace), "dev", CONFIG).init()

    preview = stack.preview()
    run = stack.up()

    assert preview.code == 0, preview
    assert run.code == 0, run
    buses = {rule.inputs["name"]: rule.inputs["eventBusName"] for rule in workspace.account.every(RULE)}
    assert buses == {
        "photos-dev-gallery-index_photo": "default",
        "photos-dev-gallery-forget_member": "photos-dev",
        "photos-dev-prints-note_shipment": PRINT_SHOP,
        "photos-dev-mail-notify_member": "photos-dev",
    }
    deployed = Deployed.model_validate(stack.outputs[OUTPUT])
    assert deployed.bus_of("gallery.index_photo").archive_name == "photos-dev-default"
    assert deployed.bus_of("prints.note_shipment").name == PRINT_SHOP
    (schedule,) = [
        one
        for one in workspace.account.every("aws:scheduler/schedule:Schedule")
        if "make_digest" in str(one.inputs["name"])
    ]
    assert schedule.inputs["scheduleExpressionTimezone"] == "Europe/Berlin"
    assert stack.up("--expect-no-changes").code == 0
