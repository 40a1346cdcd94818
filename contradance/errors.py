"""The exceptions of contradance.

    ContradanceError
    ├── DeclarationError            a declaration cannot work; raised before anything runs
    │   ├── InvalidContract         at class creation
    │   ├── InvalidRegistry         when the registry is built
    │   ├── InvalidFunction         when the function's module is imported
    │   ├── InvalidTable            when the table is declared
    │   ├── InvalidPattern          when an event pattern is compiled
    │   ├── InvalidChoreography     when the choreography is built
    │   ├── InvalidStack            when a stack is previewed, before any resource
    │   ├── InvalidSchema           when a JSON Schema is compared or read
    │   └── BrokenPromise           when contracts are compared with their frozen schemas
    ├── ContractViolation           data breaks its contract; when consumed it is never retried
    ├── UnknownPayload              a function was invoked with something that its trigger never delivers
    ├── PublishFailed               EventBridge did not accept some of the events; the message names them
    ├── HandlerExited               an author's code raised SystemExit or the like; only its attempt ends, as failed
    ├── AWSCallFailed               an AWS service refused a call, or did not answer in time
    ├── WorkError                   a unit of work cannot go on
    │   ├── NotLinked               a table, setting or secret is used without `uses=[...]`
    │   ├── NoUnitOfWork            a table is used outside a handler
    │   ├── Conflict                another unit of work changed the same item first; runs again
    │   ├── LeaseHeld               another attempt at the same delivery is still running; retried
    │   ├── LeaseLost               this attempt took too long, and another took over; nothing is committed
    │   ├── HandlerTimedOut         the handler took longer than its timeout, and was interrupted; retried
    │   ├── AttemptsExhausted       every attempt was begun and none ended; dead-lettered
    │   └── TooMuchWork             over 99 writes, 256 KiB an event, 350 KiB a delivery or 6 MB an answer
    ├── CannotCreate                `contradance new` or `create` cannot write what it should; nothing is written
    ├── LaptopError                 the laptop's bus cannot start or answer
    ├── OperateError                an operation on a running system cannot be done
    └── PackagingError              the layer or a zip for Lambda cannot be built

Messages name both parties, the place and the fix. They never contain a value, because events carry personal data.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class ContradanceError(Exception):
    """Base class of contradance's exceptions."""

    page: ClassVar[str] = ""
    """The page of the documentation about it, below `docs/` and without `.md`; empty if none is about it alone."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else type(self).__name__


class DeclarationError(ContradanceError):
    """A declaration of an author cannot work."""


class InvalidContract(DeclarationError):
    """A contract class has an invalid identity, subject or field."""

    page = "reference/contract-types"


class InvalidRegistry(DeclarationError):
    """Two contracts have one identity, or a model inside a contract is not a `Value`."""

    page = "how-to/share-contracts"


class InvalidFunction(DeclarationError):
    """A handler's signature or its decorator's arguments are invalid."""


class InvalidTable(DeclarationError):
    """A table's key does not fit its model."""

    page = "how-to/tables"


class InvalidPattern(DeclarationError):
    """An event pattern that EventBridge would refuse."""

    page = "how-to/filter"


class InvalidChoreography(DeclarationError):
    """The functions of a choreography do not fit together."""


class InvalidStack(DeclarationError):
    """A stack's configuration does not fit the choreography, or the choreography does not fit AWS's quotas."""

    page = "reference/configuration"


class InvalidSchema(DeclarationError):
    """A JSON Schema, or a file of frozen schemas, is invalid."""

    page = "how-to/check-contracts"


class BrokenPromise(DeclarationError):
    """A contract breaks its frozen schema; the message names each breaking change and the subscribers it affects."""

    page = "how-to/evolve"


class ContractViolation(ContradanceError):
    """Data breaks its contract. It is not retried when consumed; a handler that publishes it has a bug."""

    page = "explanation/wire"


class UnknownPayload(ContradanceError):
    """A function was invoked with a payload of a shape that its trigger never delivers."""


class PublishFailed(ContradanceError):
    """EventBridge did not accept every event; the message names those that were not published."""

    page = "explanation/unit-of-work"


class HandlerExited(ContradanceError):
    """An author's code raised an exception that would end its thread or process, such as SystemExit.

    Its cause is that exception. It ends one attempt, like any failure.
    """


class AWSCallFailed(ContradanceError):
    """An AWS service refused a call, or did not answer in time.

    Args:
        message: the call and its result.
        code: AWS's error code; `""` when no answer came.
        answer: the body of AWS's answer.
    """

    def __init__(self, message: str, code: str, answer: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.code = code
        self.answer = answer


class WorkError(ContradanceError):
    """A unit of work cannot go on."""


class NotLinked(WorkError):
    """A handler uses a table, setting or secret that its function does not link."""

    page = "how-to/tables"


class NoUnitOfWork(WorkError):
    """A table, setting or secret is used outside a running handler."""


class Conflict(WorkError):
    """Another unit of work changed an item between this one's read and its commit."""

    page = "explanation/unit-of-work"


class LeaseHeld(WorkError):
    """Another attempt at the same delivery is still running."""

    page = "explanation/unit-of-work"


class LeaseLost(WorkError):
    """This attempt took longer than its lease and another attempt took over, so it cannot commit."""

    page = "explanation/unit-of-work"


class HandlerTimedOut(WorkError):
    """A handler took longer than its timeout and was interrupted; nothing is committed, and the event is retried."""

    page = "how-to/queue"


class AttemptsExhausted(WorkError):
    """Every attempt at a delivery was begun, and none ended; the event is dead-lettered."""

    page = "how-to/dead-letters"


class TooMuchWork(WorkError):
    """A delivery writes or publishes more than one transaction can hold."""

    page = "reference/limits"


class CannotCreate(ContradanceError):
    """`contradance new` or `contradance create` cannot write what it should; nothing was written."""


class LaptopError(ContradanceError):
    """The laptop's bus cannot start, or cannot answer a request."""


class OperateError(ContradanceError):
    """A running system cannot be reached, or cannot do an operation."""


class PackagingError(ContradanceError):
    """The layer or a function's zip cannot be built."""

    page = "how-to/package"


class UnconsumedEvent(UserWarning):
    """A published event has no subscriber and is not declared as an end of its choreography."""


def error_message(error: object) -> str:
    """Return the text of an exception; if its `__str__` raises, a sentence with the type of that failure."""
    try:
        return str.__str__(str(error))  # of a subclass of str its plain text
    except BaseException as failure:  # noqa: BLE001 - an author's __str__ may raise anything
        return f"its text cannot be read: __str__ raised {type(failure).__name__}"


def is_readable(error: BaseException) -> bool:
    """Whether the attributes that every exception has can be read: an author's class may override each."""
    try:
        _ = isinstance(error, HandlerExited), type(error).__name__, error.__traceback__
        _ = error.__cause__, error.__context__, error.__suppress_context__
        return not isinstance(error, BaseExceptionGroup) or bool(error.exceptions)
    except BaseException:  # noqa: BLE001 - an author's class may raise anything
        return False
