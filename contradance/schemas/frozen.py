"""A contract as it is promised: the content of one file, `<source>/<DetailType>/v<N>.json`.

The file holds the state that is promised now and, oldest first, those it was before: a transitive check needs every
state whose events an archive may hold, and a wheel carries no git history. What only changed in words is no other state.
"""

import json
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contradance.compatibility import DEFAULT_MODE, Change, Mode, check, compare
from contradance.compatibility.change import BACKWARD, BOTH, NEITHER
from contradance.compatibility.keywords import bare
from contradance.contract import Contract
from contradance.errors import InvalidSchema
from contradance.identity import Identity
from contradance.schemas.canonical import schema_of
from contradance.schemas.personal import personal_fields
from contradance.violation import problems


class FrozenContract(BaseModel):
    """One version of one contract, as it is promised."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    source: str
    detail_type: str
    version: int
    subject: str
    failure: bool
    upcasts: int | None
    """The version that this one upcasts."""
    personal: tuple[str, ...]
    """Paths of personal data."""
    schema_: dict[str, Any] = Field(alias="schema")
    earlier: tuple[dict[str, Any], ...] = ()
    """Schemas that this one took the place of, the oldest first, without words."""

    @property
    def identity(self) -> Identity:
        """What tells it from every other."""
        return Identity(self.source, self.detail_type, self.version)

    @property
    def states(self) -> tuple[dict[str, Any], ...]:
        """Every state whose events may be about, the oldest first."""
        return (*self.earlier, self.schema_)

    @property
    def path(self) -> PurePosixPath:
        """Where its file is, below the folder of all."""
        return PurePosixPath(self.source, self.detail_type, f"v{self.version}.json")

    @property
    def text(self) -> str:
        """The file's content."""
        return (
            json.dumps(self.model_dump(by_alias=True, mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        )

    def followed_by(self, contract: "FrozenContract") -> "FrozenContract":
        """Return what the file holds when `contract` takes the place of this: this state is kept where it differs."""
        left = (bare(self.schema_),) if compare(self.schema_, contract.schema_) else ()
        return contract.model_copy(update={"earlier": (*self.earlier, *left)})


def frozen_state(contract: type[Contract]) -> FrozenContract:
    """Return what `contract` promises now."""
    schema = schema_of(contract)
    source, detail_type, version = contract.identity
    return FrozenContract(
        source=source,
        detail_type=detail_type,
        version=version,
        subject=contract.subject_field,
        failure=contract.failure,
        upcasts=contract.upcasts.identity.version if contract.upcasts else None,
        personal=tuple(personal_fields(schema)),
        schema=schema,
    )


def promised(contracts: Iterable[type[Contract]]) -> dict[str, dict[str, Any]]:
    """Return what contracts promise now, without words, by identity: what a stack says of itself when it is deployed."""
    states = map(frozen_state, contracts)
    wordless = (state.model_copy(update={"schema_": bare(state.schema_)}) for state in states)
    return {str(state.identity): state.model_dump(by_alias=True, mode="json") for state in wordless}


def read_frozen(text: str, where: str) -> FrozenContract:
    """Return what a file holds; `where` is what errors call it.

    Raises:
        InvalidSchema: it holds something else.
    """
    try:
        return FrozenContract.model_validate_json(text)
    except ValidationError as error:
        lines = [f"{where} holds no frozen contract"]
        lines += [f"  {path}: {message}" if path else f"  {message}" for path, message in problems(error)]
        lines.append("  Take it from version control again; `contradance contracts freeze` writes these files.")
        raise InvalidSchema("\n".join(lines)) from error


def changes(frozen: FrozenContract, now: FrozenContract) -> list[Change]:
    """Return how a contract differs from what is promised, in its last state."""
    return [*_changes_beside(frozen, now), *compare(frozen.schema_, now.schema_)]


def broken(frozen: FrozenContract, now: FrozenContract, mode: Mode = DEFAULT_MODE) -> list[Change]:
    """Return the changes that break what is promised."""
    beside = [change for change in _changes_beside(frozen, now) if change.breaks]
    return [*beside, *check(frozen.states, now.schema_, mode)]


def _changes_beside(frozen: FrozenContract, now: FrozenContract) -> list[Change]:
    """Return how contracts differ beside their schemas."""
    found: list[Change] = []
    if now.subject != frozen.subject:
        told = f"the subject is now {now.subject}, was {frozen.subject}: who follows a subject finds two halves of it."
        found.append(Change("", "subject", BOTH, told))
    if frozen.upcasts and not now.upcasts:
        told = (
            f"v{frozen.upcasts} is no longer upcast: events of v{frozen.upcasts}, the archive's included, are not read."
        )
        found.append(Change("", "upcast-removed", BACKWARD, told))
    if now.failure != frozen.failure:
        told = (
            f"the event is {'now' if now.failure else 'no longer'} marked as a failure: pictures change, nobody minds."
        )
        found.append(Change("", "failure-mark", NEITHER, told))
    for path in sorted({*now.personal} ^ {*frozen.personal}):
        told = f"{path} is {'now' if path in now.personal else 'no longer'} marked as personal data: masks change."
        found.append(Change(path, "personal-mark", NEITHER, told))
    return found
