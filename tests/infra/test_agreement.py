"""Configuration and choreography must agree, before any resource."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contradance import Choreography, route, schedule, subscriber
from contradance.errors import InvalidStack
from tests.infra.library import BookLent, Nothing, contracts, library
from tests.infra.mocks import Recorder
from tests.infra.stack import deployed

MAIL = {"mail_key": "a key that opens nothing"}


def refused(folder: Path, config: dict[str, str]) -> str:
    """Return why a stack is refused; it has to be refused before any resource."""
    recorder = Recorder()
    with pytest.raises(InvalidStack) as refusal:
        deployed(folder, library, config=config, secrets=MAIL, recorder=recorder)
    assert recorder.resources == []
    return str(refusal.value)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"services": '["reader"]'}, r"services names 'reader'.*\n.*name one of loans, readers"),
        (
            {"settings": '{"fees": 1}'},
            r"settings\.fees: no function uses it\. Is it 'fee'\?\n.*config rm --stack dev",
        ),
        ({"settings": '{"fee": "much"}'}, r"settings\.fee: setting 'fee' should be float"),
        ({"functions": '{"readers.remind": {}}'}, r"functions\.readers\.remind is not a function\. Is it 'readers"),
        ({"functions": '{"readers.praise_reader": {"concurrency": 1}}'}, r"has a queue and concurrency 1"),
        ({"ingress": '["BookLend"]'}, r"ingress names 'BookLend'.*Is it 'BookLent'\?"),
        (
            {"rememberDays": "14"},
            r"rememberDays is 14, but an event can come back for 30\.25 days: the archive keeps it for 30,",
        ),
    ],
)
def test_what_does_not_fit_the_functions_is_refused(config: dict[str, str], says: str, tmp_path: Path) -> None:
    told = refused(tmp_path, config)

    assert re.search(says, told), told
    assert "stack 'dev' does not fit 'city-library'" in told
    assert "Fix: " in told
    assert "much" not in told


def test_a_missing_secret_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidStack, match=r"secrets\.mail_key is missing; readers\.remind_reader uses it") as refusal:
        deployed(tmp_path, library, secrets=None)

    assert "pulumi config set --stack dev --secret --path 'secrets.mail_key' VALUE" in str(refusal.value)


def test_a_secret_that_nobody_uses_is_pointed_out(tmp_path: Path) -> None:
    with pytest.raises(InvalidStack, match=r"secrets\.male_key: no function uses it\. Is it 'mail_key'\?"):
        deployed(tmp_path, library, secrets={**MAIL, "male_key": "hush"})


def test_a_secret_of_a_service_that_is_not_deployed_is_not_asked_for(tmp_path: Path) -> None:
    deployment = deployed(tmp_path, library, secrets=None, config={"services": '["loans"]'})

    assert deployment.all("Parameter") == {}


def test_a_route_that_takes_longer_than_the_gateway_waits_is_refused(tmp_path: Path) -> None:
    @route("GET /slow", service="loans", timeout=timedelta(seconds=31))
    def read_slowly() -> Nothing:
        return Nothing()

    slow = Choreography("city-library", contracts=contracts, functions=[read_slowly])
    with pytest.raises(InvalidStack, match=r"loans\.read_slowly may take 0:00:31, but API Gateway waits 0:00:30"):
        deployed(tmp_path, slow, secrets=None)


@pytest.mark.parametrize(("archive_days", "days"), [("1", 14), ("14", 14), ("30", 30)])
def test_a_once_record_lives_as_long_as_an_event_can_come_back(archive_days: str, days: int, tmp_path: Path) -> None:
    deployment = deployed(tmp_path, library, secrets=MAIL, config={"archiveDays": archive_days})

    lives = {
        name: int(each["environment"]["variables"]["CONTRADANCE_REMEMBER_SECONDS"])
        for name, each in deployment.all("Function").items()
    }
    hour = 3600
    assert lives == {
        "loans.find_overdue": days * 24 * hour + 2 * hour,
        "loans.renew_loan": days * 24 * hour + 6 * hour,
        "readers.remind_reader": days * 24 * hour + 6 * hour,
        "readers.praise_reader": days * 24 * hour + 6 * hour,
        "contradance.sweeper": days * 24 * hour + 6 * hour,
    }


def test_a_once_record_may_live_longer(tmp_path: Path) -> None:
    deployment = deployed(tmp_path, library, secrets=MAIL, config={"rememberDays": "100"})

    assert {
        each["environment"]["variables"]["CONTRADANCE_REMEMBER_SECONDS"] for each in deployment.all("Function").values()
    } == {str(100 * 86_400)}


@pytest.mark.parametrize("queued", [{"delivery": "queue"}, {"draining": True}], ids=str)
def test_a_declared_concurrency_of_one_with_a_queue_is_refused(tmp_path: Path, queued: Any) -> None:
    @subscriber(service="readers", concurrency=1, **queued)
    def thank_reader(lent: BookLent) -> None:
        pass

    alone = Choreography("city-library", contracts=contracts, functions=[thank_reader])
    with pytest.raises(InvalidStack, match=r"readers\.thank_reader has a queue and concurrency 1"):
        deployed(tmp_path, alone, secrets=None)


def test_a_schedule_reserves_the_concurrency_that_it_declares(tmp_path: Path) -> None:
    @schedule("rate(1 day)", service="loans", concurrency=1)
    def count_loans() -> None:
        pass

    alone = Choreography("city-library", contracts=contracts, functions=[count_loans])
    deployment = deployed(tmp_path, alone, secrets=None)

    assert deployment.all("Function")["loans.count_loans"]["reservedConcurrentExecutions"] == 1


def test_an_application_whose_secrets_ssm_would_not_keep_is_refused(tmp_path: Path) -> None:
    functions = [*library.functions.values()]
    shadowed = Choreography("aws-library", contracts=contracts, functions=functions)

    with pytest.raises(
        InvalidStack, match="'aws-library' has secrets, but a parameter in SSM cannot begin with aws or ssm"
    ):
        deployed(tmp_path, shadowed, secrets=MAIL)


def test_a_queue_is_polled_by_at_most_as_many_as_lambda_takes(tmp_path: Path) -> None:
    config = {"functions": '{"readers.praise_reader": {"concurrency": 1500}}', "concurrencyQuota": "2000"}

    deployment = deployed(tmp_path, library, secrets=MAIL, config=config)

    assert deployment.all("Function")["readers.praise_reader"]["reservedConcurrentExecutions"] == 1500
    assert deployment.all("EventSourceMapping")["readers.praise_reader"]["scalingConfig"] == {
        "maximumConcurrency": 1000
    }
