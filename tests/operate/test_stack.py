import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from contradance.deployed import Deployed
from contradance.errors import OperateError
from contradance.local.system.deployed import deployed
from contradance.operate.aws.services import Boto
from contradance.operate.aws.stack import outputs_in, outputs_of, read_outputs
from functions.choreography import food_delivery

DEPLOYED = deployed(food_delivery, "http://127.0.0.1:8700")
OUTPUTS = json.dumps({"deployed": DEPLOYED.model_dump(mode="json", by_alias=True), "apiUrl": "https://x"})


def test_a_stack_says_of_itself_what_it_is_made_of(tmp_path: Path) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(OUTPUTS, encoding="utf-8")

    assert outputs_in(file) == DEPLOYED


def test_pulumi_is_asked_for_the_stack_by_its_name(tmp_path: Path) -> None:
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> tuple[int, str, str]:
        commands.append(command)
        return 0, OUTPUTS, ""

    assert outputs_of("prod", tmp_path, run) == DEPLOYED
    assert commands == [["pulumi", "stack", "output", "--json", "--stack", "prod", "--cwd", str(tmp_path)]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "the outputs is not JSON: "),
        ("[" * 100_000, "the outputs is not JSON: "),
        ("[]", "the outputs has no output 'deployed', which describes the stack."),
        ("{}", "the outputs has no output 'deployed'"),
        (
            '{"deployed": {"app": 5}}',
            "the outputs has an output 'deployed' that this version cannot read\n  deployed.app: ",
        ),
    ],
)
def test_outputs_that_are_not_of_a_stack_of_ours_are_refused(text: str, message: str) -> None:
    with pytest.raises(OperateError) as refusal:
        read_outputs(text, "the outputs")

    assert str(refusal.value).startswith(message)


def test_an_output_that_this_version_does_not_know_is_ignored() -> None:
    outputs = json.loads(OUTPUTS)
    outputs["deployed"]["tomorrow"] = 1

    assert isinstance(read_outputs(json.dumps(outputs), "the outputs"), Deployed)


def test_what_pulumi_complains_of_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperateError, match=r"did not print the outputs of the stack 'prod': error: no stack named"):
        outputs_of("prod", tmp_path, lambda _: (255, "", "error: no stack named 'prod' found\n"))


def test_without_pulumi_there_is_another_way(tmp_path: Path) -> None:
    def missing(command: Sequence[str]) -> tuple[int, str, str]:
        raise FileNotFoundError(command[0])

    with pytest.raises(
        OperateError, match="save the outputs on a machine that has it and give the file: --outputs FILE"
    ):
        outputs_of("prod", tmp_path, missing)


def test_a_pulumi_that_cannot_be_run_is_an_error(tmp_path: Path) -> None:
    def forbidden(command: Sequence[str]) -> tuple[int, str, str]:
        raise PermissionError(13, "Permission denied", command[0])

    with pytest.raises(OperateError, match=r"the command `pulumi`, .* cannot be run: .*Permission denied"):
        outputs_of("prod", tmp_path, forbidden)


@pytest.mark.parametrize(("content", "said"), [(None, "No such file or directory"), (b"\xff", "it is not UTF-8")])
def test_a_file_that_cannot_be_read_is_said_to_be(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "outputs.json"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(OperateError, match=f"cannot be read: {said}"):
        outputs_in(file)


def test_a_variable_that_boto3_cannot_read_is_an_error_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "LOUD")

    with pytest.raises(OperateError, match=r"cannot make a client of sqs: Invalid endpoint: LOUD\.\n  Correct the env"):
        Boto("us-east-1").service("sqs")


def test_without_boto3_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(OperateError, match=r"needs boto3\.\n  Install it: pip install 'contradance\[local\]'"):
        Boto("us-east-1").service("sqs")


def test_without_credentials_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))

    with pytest.raises(OperateError, match=r"there are no credentials\.\n  Log in, or set AWS_PROFILE\."):
        Boto("us-east-1").service("sqs").ask("list_queues")
