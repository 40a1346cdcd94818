"""Dead letters, by function and cause; one, some or all are redriven or purged, after a confirmation."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, get_args

from starlette.requests import Request
from starlette.responses import Response

from contradance.choreography import Choreography
from contradance.errors import ContradanceError, OperateError
from contradance.local.console.history import History
from contradance.local.console.pages import Pages
from contradance.local.console.submitted import SubmittedForm
from contradance.local.dead_letter_queues import letter_ids
from contradance.operate.dead_letter import REASONS, DeadLetter, LetterOutcome, Reason
from contradance.operate.dead_letters import find, purge, redrive
from contradance.operate.masking import masked_event
from contradance.operate.ports import System

SHOWN: Final = 25
"""Dead letters of one function that a page shows in full; all are counted."""


class DeadLetterPages:
    """The groups, the letters of one function, and the actions on them."""

    def __init__(self, system: System, choreography: Choreography, history: History, pages: Pages) -> None:
        self._system = system
        self._history = history
        self._choreography = choreography
        self._pages = pages

    def all(self, _: Request) -> Response:
        """Show the dead letters of every function, by cause."""
        found = find(self._system, self._choreography)
        return self._pages.page("dead_letters", "dead-letters", groups=found.groups, count=found.count)

    def of_one(self, request: Request) -> Response:
        """Show the dead letters of one function: those with the query's reason, or all without a valid reason."""
        return self._list(request.path_params["subscriber"], _reason(request.query_params.get("reason", "")))

    def act(self, request: Request, form: SubmittedForm) -> Response:
        """Ask for confirmation, or redrive or purge letters if confirmed; or reveal one event. Else `OperateError`."""
        subscriber, reason = request.path_params["subscriber"], _reason(form.first("reason"))
        verb, _, chosen = form.first("do").partition(":")
        if verb == "reveal":
            return self._list(subscriber, reason, revealed=chosen)
        if verb not in ("redrive", "purge"):
            raise OperateError("No action was chosen.\n  Choose: redrive or purge.")
        letters = [chosen] if chosen not in ("some", "all") else form.all("letter")
        if chosen == "some" and not letters:
            return self._list(subscriber, reason, notice="No dead letter is ticked. Tick those that you mean.")
        only = None if chosen == "all" else frozenset(letters)
        really = form.first("confirmed") == "yes"
        change = redrive if verb == "redrive" else purge
        done = _gathered(
            change(self._system, self._choreography, subscriber, reason, only=only, really=really), really=really
        )
        return self._pages.page(
            "dead_letters_done" if really else "dead_letters_confirm",
            "dead-letters",
            subscriber=subscriber,
            reason=reason or "",
            verb=verb,
            chosen="all" if only is None else "some",
            letters=letters if only is not None else [],
            outcomes=done.listed,
            count=done.counts.total(),
            counts=done.counts.most_common(),
            stopped=done.stopped,
        )

    def _list(self, subscriber: str, reason: Reason | None, *, revealed: str = "", notice: str = "") -> Response:
        """Show a function's first 25 dead letters, of one reason or any; the letter with the id `revealed` unmasked."""
        found = find(self._system, self._choreography, subscriber, reason, keep=SHOWN)
        failures = self._history.failures(subscriber, [letter.event_id for letter in found.letters])
        return self._pages.page(
            "dead_letters_of",
            "dead-letters",
            subscriber=subscriber,
            reason=reason or "",
            reasons=REASONS,
            letters=[
                {**self._shown(letter, revealed), "failed": failures.get(letter.event_id)} for letter in found.letters
            ],
            count=found.count,
            notice=notice,
        )

    def _shown(self, letter: DeadLetter, revealed: str) -> dict[str, Any]:
        """Return a letter, its event (masked unless its message id is `revealed`), its flow's id (empty if unknown)."""
        open_, event = letter.message.id == revealed, letter.event
        _, flow = letter_ids(self._choreography, letter)
        shown = event if event is None or open_ else masked_event(self._choreography, event)
        return {"letter": letter, "event": shown, "revealed": open_, "flow": flow}


class _Gathered(NamedTuple):
    """The outcomes of an action, or of its dry run."""

    counts: Counter[str]
    listed: list[LetterOutcome]
    """The first ones."""
    stopped: str
    """The error that ended it after some letters; empty if it reached its end."""


def _gathered(outcomes: Iterable[LetterOutcome], *, really: bool) -> _Gathered:
    """Return the outcomes, also those before an error that ends the action; raise the error if nothing was done."""
    counts: Counter[str] = Counter()
    listed: list[LetterOutcome] = []
    try:
        for one in outcomes:
            counts[one.outcome] += 1
            if len(listed) < SHOWN:
                listed.append(one)
    except ContradanceError as error:
        if not (counts and really):
            raise
        return _Gathered(counts, listed, str(error))
    return _Gathered(counts, listed, "")


def _reason(text: str) -> Reason | None:
    """Return the text as a reason; None if it is not one."""
    return next((reason for reason in get_args(Reason) if reason == text), None)
