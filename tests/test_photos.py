"""The second reference application, `examples/photos`: its own tests, its promises, its picture, and its stack."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.forking import commands, tools

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "examples" / "photos"


def ran(*command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": ""}
    server = tools if command[0] == "pytest" else commands
    done = server.run("-m", *command, cwd=PHOTOS, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass() -> None:
    assert " passed" in ran("pytest", "-p", "no:cacheprovider")


def test_it_has_no_finding_and_its_contracts_are_frozen() -> None:
    ran("contradance", "lint")
    ran("contradance", "contracts", "freeze", "--check")


def test_its_picture_is_the_one_in_its_folder() -> None:
    drawn = ran("contradance", "graph", "--format", "svg")

    assert drawn == (PHOTOS / "choreography.svg").read_text(encoding="utf-8"), "make picture, in examples/photos"


def test_its_tree_begins_with_every_event_of_others() -> None:
    tree = ran("contradance", "graph")

    for begin in ("Object Created", "memberRemoved", "print.shipped", "POST /prints", "Europe/Berlin"):
        assert begin in tree


def test_its_list_has_six_functions_and_three_events_of_others() -> None:
    listed: Any = json.loads(ran("contradance", "list", "--json"))

    assert len(listed["functions"]) == 6
    assert [(one["identity"], one["from"]) for one in listed["events_of_others"]] == [
        ("aws.s3/Object Created", "bus 'default'"),
        ("com.example.accounts/memberRemoved", "the application's bus"),
        ("aws.partner/printshop.example/*/print.shipped", "bus 'print_shop'"),
    ]


def test_an_event_of_others_is_shown_with_its_bus_its_identifying_fields_and_a_sample() -> None:
    shown = ran("contradance", "contracts", "show", "PrintShipped")
    sample = json.loads(ran("contradance", "events", "sample", "PrintShipped"))

    assert "from bus 'print_shop', once by parcel.trackingNumber, subject parcel.reference" in shown
    assert sample == {"parcel": {"reference": "8f3d5c1e-7f0e-4a53-9d6c-0b6a1f6f2f11", "trackingNumber": "PX-1001"}}
    assert "memberRemoved  (of others)" in ran("contradance", "contracts", "list")


PROGRAM = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}, {photos!r}, {contracts!r}]
import yaml
from photo_functions.choreography import photos
from tests.infra.aws_calls import calls
from tests.infra.shapes import problems
from tests.infra.stack import deployed
import json
config = yaml.safe_load(Path("Pulumi.dev.yaml").read_text())["config"]
texts = {{
    key.removeprefix("photos:"): value if isinstance(value, str) else json.dumps(value)
    for key, value in config.items() if key.startswith("photos:")
}}
stack = deployed(Path(sys.argv[1]), photos, config=texts, secrets=None)
found = [f"{{one.name}}: {{problem}}" for one in stack.resources if one.custom
         for call in calls(one) for problem in problems(call)]
print(json.dumps({{"problems": found,
                  "buses": {{name: rule["eventBusName"] for name, rule in stack.all("EventRule").items()}},
                  "archives": sorted(stack.all("EventArchive")),
                  "zones": {{name: one["scheduleExpressionTimezone"] for name, one in stack.all("Schedule").items()}}}}))
"""


def test_its_stack_has_its_rules_where_its_events_are(tmp_path: Path) -> None:
    program = PROGRAM.format(root=str(ROOT), photos=str(PHOTOS), contracts=str(PHOTOS / "contracts"))
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=PHOTOS, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    stack = json.loads(done.stdout)
    assert stack["problems"] == []
    assert stack["buses"] == {
        "gallery.index_photo": "default",
        "gallery.forget_member": "photos-dev",
        "prints.note_shipment": "aws.partner/printshop.example/4711/orders",
        "mail.notify_member": "photos-dev",
    }
    assert stack["archives"] == ["archive", "archive-default", "archive-print_shop"]
    assert stack["zones"]["gallery.make_digest"] == "Europe/Berlin"
