"""A frozen contract: the content of one file, `<source>/<DetailType>/v<N>.json`.

The file holds the current state and, oldest first, the earlier ones: a transitive check needs every state whose events
an archive may hold, and a wheel has no git history. A change of descriptions only is not a new state.
"""

import json
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contradance.compatibility import DEFAULT_MODE, Change, Mode, check, compare
from contradance.compatibility.change import BACKWARD, BOTH, NEITHER
from contradance.compatibility.keywords import without_annotations
from contradance.contract import Contract
from contradance.errors import InvalidSchema
from contradance.identity import Identity
from contradance.schemas.canonical import schema_of
from contradance.schemas.personal import personal_fields
from contradance.violation import problems


class FrozenContract(BaseModel):
    """One frozen version of one contract."""

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
    """Schemas that `schema_` replaced, oldest first, without annotations."""

    @property
    def identity(self) -> Identity:
        """The contract's identity."""
        return Identity(self.source, self.detail_type, self.version)

    @property
    def states(self) -> tuple[dict[str, Any], ...]:
        """Every state whose events may still exist, oldest first."""
        return (*self.earlier, self.schema_)

    @property
    def path(self) -> PurePosixPath:
        """The path of its file below the folder of frozen contracts."""
        return PurePosixPath(self.source, self.detail_type, f"v{self.version}.json")

    @property
    def text(self) -> str:
        """The file's content."""
        return (
            json.dumps(self.model_dump(by_alias=True, mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        )

    def followed_by(self, now: "FrozenContract") -> "FrozenContract":
        """Return `now` with the history of this one; this state joins the history when the schemas differ."""
        left = (without_annotations(self.schema_),) if compare(self.schema_, now.schema_) else ()
        return now.model_copy(update={"earlier": (*self.earlier, *left)})


def frozen_state(contract: type[Contract]) -> FrozenContract:
    """Return the current state of `contract`, without history."""
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
    """Return the stack's output of frozen contracts: their current states by identity, without annotations."""
    states = map(frozen_state, contracts)
    wordless = (state.model_copy(update={"schema_": without_annotations(state.schema_)}) for state in states)
    return {str(state.identity): state.model_dump(by_alias=True, mode="json") for state in wordless}


def read_frozen(content: str | bytes, where: str) -> FrozenContract:
    """Return the frozen contract in a file's content, or raise `InvalidSchema`, which names the file by `where`.

    Raises:
        InvalidSchema: the content is not a frozen contract.
    """
    try:
        return FrozenContract.model_validate_json(content)
    except ValidationError as error:
        lines = [f"{where} is not a frozen contract"]
        lines += [f"  {path}: {message}" if path else f"  {message}" for path, message in problems(error)]
        lines.append("  Restore it from version control; `contradance contracts freeze` writes these files.")
        raise InvalidSchema("\n".join(lines)) from error


def changes(frozen: FrozenContract, now: FrozenContract) -> list[Change]:
    """Return all differences between a frozen contract's last state and `now`, breaking or not."""
    return [*_changes_outside_schema(frozen, now), *compare(frozen.schema_, now.schema_)]


def broken(frozen: FrozenContract, now: FrozenContract, mode: Mode = DEFAULT_MODE) -> list[Change]:
    """Return the changes in `now` that break a frozen contract in `mode`; none when it keeps the promise."""
    beside = [change for change in _changes_outside_schema(frozen, now) if change.breaks]
    return [*beside, *check(frozen.states, now.schema_, mode)]


def _changes_outside_schema(frozen: FrozenContract, now: FrozenContract) -> list[Change]:
    """Return the differences outside the schemas: subject, upcast, failure mark and personal data."""
    found: list[Change] = []
    if now.subject != frozen.subject:
        text = f"the subject is now {now.subject}, was {frozen.subject}: a search by subject finds only a part of its events."
        found.append(Change("", "subject", BOTH, text))
    if frozen.upcasts and not now.upcasts:
        text = f"v{frozen.upcasts} is no longer upcast: subscribers no longer read events of v{frozen.upcasts}, including archived ones."
        found.append(Change("", "upcast-removed", BACKWARD, text))
    if now.failure != frozen.failure:
        text = f"the event is {'now' if now.failure else 'no longer'} marked as a failure: only pictures change."
        found.append(Change("", "failure-mark", NEITHER, text))
    for path in sorted({*now.personal} ^ {*frozen.personal}):
        text = f"{path} is {'now' if path in now.personal else 'no longer'} marked as personal data: masks change."
        found.append(Change(path, "personal-mark", NEITHER, text))
    return found
