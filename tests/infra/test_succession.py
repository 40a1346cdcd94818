"""Pairs of declarations and configurations, one after the other: what holds data is never replaced or deleted silently."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from contradance import Choreography, Contract, ForeignEvent, Registry, Table, route, schedule, subscriber
from contradance.deployed import Deployed
from contradance.errors import InvalidStack
from contradance.function import Function
from contradance.infra.parsing import parse_config
from contradance.infra.planning.buses import parse_bus
from contradance.infra.planning.keeping import describe_keeping
from contradance.infra.planning.leaving import describe_leaving
from contradance.infra.planning.plan import StackPlan, make_plan
from contradance.infra.planning.site import Site
from contradance.infra.planning.succession import check_succession
from tests.infra.mocks import ACCOUNT, REGION, Deployment, Recorder
from tests.infra.stack import deployed

OTHER_BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/shop"
FIXED = {
    "Table": ("name", "hashKey", "rangeKey"),
    "Queue": ("name",),
    "LogGroup": ("name",),
    "EventArchive": ("name", "eventSourceArn"),
    "Api": (),
}
"""What holds data or a promise, and its inputs that AWS changes only by replacing it."""
SHORTENED = {"EventArchive": "retentionDays", "LogGroup": "retentionInDays"}


class BookLent(Contract, source="library.loans", subject="loan_id"):
    """A reader took a book home."""

    loan_id: UUID


class ParcelSent(ForeignEvent, source="shop.parcels", detail_type="Parcel Sent", bus="shop"):
    """A parcel is on its way."""

    parcel: str


class Loan(BaseModel):
    loan_id: UUID
    copy_id: UUID
    year: date


class Nothing(BaseModel):
    """An empty answer."""


def lent(name: str = "remind", **options: Any) -> Function[..., object]:
    def handler(lent: BookLent) -> None:
        """Remind a reader."""

    handler.__name__ = name
    return subscriber(service="loans", **options)(handler)


def parcel() -> Function[..., object]:
    @subscriber(service="parcels")
    def unpack(sent: ParcelSent) -> None:
        """Unpack a parcel."""

    return unpack


def renew(name: str = "renew", service: str = "desk") -> Function[..., object]:
    def handler(loan_id: UUID) -> Nothing:
        """Renew a loan."""
        return Nothing()

    handler.__name__ = name
    return route("PUT /loans/{loan_id}", service=service)(handler)


def nightly(name: str = "nightly") -> Function[..., object]:
    def handler() -> None:
        """Count the loans."""

    handler.__name__ = name
    return schedule("rate(1 day)", service="loans")(handler)


def table(*key: str, name: str = "loans", **options: Any) -> Table[Loan]:
    return Table(name, key=key or ("loan_id",), model=Loan, service="loans", **options)


WHOLE = (lambda: lent(uses=[table().write]), parcel, renew, nightly)
ARCHIVED = {"archives": '{"shop": 14}', "buses": '{"shop": "shop"}'}


def with_reminder(**options: Any) -> tuple[Callable[[], Function[..., object]], ...]:
    return (lambda: lent(**options), *WHOLE[1:])


@dataclass(frozen=True)
class Variant:
    """A system, and how it is deployed."""

    functions: tuple[Callable[[], Function[..., object]], ...] = WHOLE
    config: Mapping[str, str] = field(default_factory=lambda: ARCHIVED)
    app: str = "library"
    stack: str = "dev"
    region: str = REGION
    account: str = ACCOUNT

    def configured(self, **config: str) -> "Variant":
        return replace(self, config={**self.config, **config})

    def choreography(self) -> Choreography:
        return Choreography(
            self.app, contracts=Registry("library", [BookLent]), functions=[one() for one in self.functions]
        )

    def plan(self) -> StackPlan:
        site = Site(self.app, self.stack, self.account, self.region)
        config = parse_config(self.config, project="food-delivery", stack=self.stack)
        bus = parse_bus(config.bus, "the key bus", site) if config.bus else None
        return make_plan(self.choreography(), config, site, bus=bus, registry="contracts.registry:registry")

    def deploy(self, folder: Path) -> Deployment:
        recorder = Recorder(account=self.account, region=self.region)
        return deployed(
            folder, self.choreography(), config=self.config, secrets=None, recorder=recorder, stack=self.stack
        )


BASE = Variant()
VARIANTS = {
    "base": BASE,
    "queued": Variant(with_reminder(delivery="queue", uses=[table().write])),
    "batch of one": Variant(with_reminder(delivery="queue", batch=1, uses=[table().write])),
    "draining": Variant(with_reminder(draining=True, uses=[table().write])),
    "renamed": Variant((lambda: lent("nudge", uses=[table().write]), *WHOLE[1:])),
    "renamed and pinned": Variant((lambda: lent("nudge", deployed_as="remind", uses=[table().write]), *WHOLE[1:])),
    "without the subscriber": Variant(WHOLE[1:]),
    "a schedule of the name": Variant((lambda: nightly("remind"), *WHOLE[1:])),
    "a route of the name": Variant((*WHOLE[:2], lambda: renew("nightly", "loans"))),
    "a table with a sort key": Variant(with_reminder(uses=[table("loan_id", "year").write])),
    "another table key": Variant(with_reminder(uses=[table("copy_id").write])),
    "another sort key": Variant(with_reminder(uses=[table("loan_id", "copy_id").write])),
    "a renamed table": Variant(with_reminder(uses=[table(name="books").write])),
    "a renamed and pinned table": Variant(with_reminder(uses=[table(name="books", deployed_as="loans").write])),
    "without routes": Variant((WHOLE[0], parcel, nightly)),
    "without events of others": Variant((WHOLE[0], renew, nightly), config={}),
    "a shorter archive": BASE.configured(archiveDays="7"),
    "a longer archive": BASE.configured(archiveDays="365"),
    "shorter archives": BASE.configured(archives='{"shop": 3}'),
    "no archive of the shop": Variant(config={"buses": '{"shop": "shop"}'}),
    "another shop": BASE.configured(buses='{"shop": "market"}'),
    "shorter logs": BASE.configured(logDays="1"),
    "no backups": BASE.configured(pointInTimeRecovery="false"),
    "the bus of another stack": BASE.configured(bus=OTHER_BUS.replace("/shop", "/theirs"), archiveDays="30"),
    "a part of the services": BASE.configured(services='["loans", "parcels"]'),
    "ingress": BASE.configured(ingress='["BookLent"]'),
    "protected": BASE.configured(protect="true"),
    "another application": replace(BASE, app="archive"),
    "another stack": replace(BASE, stack="prod"),
    "another region": replace(BASE, region="eu-west-1"),
    "another account": replace(BASE, account="999999999999"),
}


@dataclass(frozen=True)
class Held:
    """A deployed resource that holds data, where Pulumi looks for it, and what AWS cannot change of it."""

    kind: str
    place: tuple[str, str, str]
    fixed: tuple[Any, ...]
    days: int | None
    name: str


def held(deployment: Deployment) -> dict[tuple[str, str, str], Held]:
    """Return what holds data, by its place in the program: types of its parents, type and name."""
    inputs = {(one.type, one.name): one.inputs for one in deployment.resources}
    found = {}
    for request in deployment.requests:
        kind = request.type.rpartition(":")[2]
        if kind in FIXED:
            its = inputs[kind, request.name]
            place = (request.parent.split("::")[2], kind, request.name)
            days = its.get(SHORTENED.get(kind, ""))
            found[place] = Held(kind, place, tuple(its.get(name) for name in FIXED[kind]), days, its["name"])
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[StackPlan, Deployed, Mapping[Any, Held]]]:
    """Deploy each variant once; return its plan, its outputs and what holds data."""
    folder = tmp_path_factory.mktemp("zips")
    found = {}
    for name, variant in VARIANTS.items():
        deployment = variant.deploy(folder)
        found[name] = (variant.plan(), Deployed.model_validate(deployment.outputs["deployed"]), held(deployment))
    return found


SAID = {"Api": ["deletes the HTTP API"], "LogGroup": ["logDays goes from", "its access log"]}
"""How warnings name what is not in them by its name."""


EXPLAINED = ("has the key", "archives keep events for", "pointInTimeRecovery is off")
"""Warnings of a loss that no resource shows: items under another key, handled events, backups."""


def lost(before: Mapping[Any, Held], after: Mapping[Any, Held]) -> Iterator[Held]:
    """Yield what Pulumi would delete or replace, or AWS empty in part: by its place, its fixed inputs and its days."""
    for place, one in before.items():
        now = after.get(place)
        if now is None or now.fixed != one.fixed or (now.days or 0) < (one.days or 0):
            yield one


@pytest.mark.parametrize("first", VARIANTS)
def test_each_loss_is_refused_or_warned_of_and_nothing_else_is(
    first: str, made: Mapping[str, tuple[StackPlan, Deployed, Mapping[Any, Held]]]
) -> None:
    _, before, had = made[first]
    for second, (plan, _, has) in made.items():
        losses = list(lost(had, has))
        refusal = refused(plan, before)
        if refusal:
            assert losses or sites_differ(first, second), f"{first} -> {second} is refused: {refusal}"
            assert "Fix: " in refusal
            continue
        warnings = "\n".join([*describe_leaving(plan, before), *describe_keeping(plan, before)])
        for one in losses:
            named = [one.name, *SAID.get(one.kind, [])]
            assert any(text in warnings for text in named), f"{first} -> {second}: {one}\n{warnings}"
        if not losses:
            assert not warnings or any(text in warnings for text in EXPLAINED), f"{first} -> {second}: {warnings}"


def refused(plan: StackPlan, before: Deployed) -> str:
    """Return why a plan is refused; empty text when it is not."""
    try:
        check_succession(plan, before)
    except InvalidStack as error:
        return str(error)
    return ""


def sites_differ(first: str, second: str) -> bool:
    one, other = VARIANTS[first], VARIANTS[second]
    return (one.app, one.stack, one.region, one.account) != (other.app, other.stack, other.region, other.account)
