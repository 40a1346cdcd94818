"""Writes and reads a table's items as JSON: `put` refuses an item that `get` would not return equal."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticUndefinedAnnotation

from contradance.errors import InvalidTable, WorkError
from contradance.proof import NotFaithful, proven
from contradance.unreadable import check_fields
from contradance.violation import masked_path, names_in, problems
from contradance.wire import read_tolerant

Record = TypeVar("Record", bound=BaseModel)


class UnreadableError(WorkError):
    """A stored item does not match the model of its table."""

    def __init__(self, message: str, problem: str) -> None:
        super().__init__(message)
        self.problem = problem


class ItemFormat(Generic[Record]):
    """Writes and reads the items of one table.

    Raises:
        InvalidTable: the model has a field that JSON cannot be read back to.
    """

    def __init__(self, table: str, key: tuple[str, ...], model: type[Record]) -> None:
        try:
            model.model_rebuild()
        except PydanticUndefinedAnnotation as error:
            raise InvalidTable(
                f"table {table} holds {model.__qualname__}, which names a type that does not exist: {error.message}.\n"
                f"  Define or import it in {model.__module__}, at module level."
            ) from error
        check_fields(model, f"table {table} holds {model.__qualname__}, which", InvalidTable)
        self._table = table
        self._key = key
        self._model = model
        config = model.model_config
        self._by_name = bool(config.get("validate_by_name") or config.get("populate_by_name"))

    def write(self, item: Record) -> str:
        """Return the JSON of an item; raise `WorkError` if it is of another class or does not read back equal.

        Raises:
            WorkError: it does not read back equal, or the item is of another class.
        """
        self.check_class(item)
        try:
            return proven(item, extra=None).decode()
        except NotFaithful as error:
            path = masked_path(error.path, names_in(self._model))
            raise WorkError(f"table {self._table} cannot store {path}: it {error.problem}.\n  {error.fix}") from error
        except ValidationError as error:
            raise WorkError(
                f"table {self._table} cannot store an item that could not be read back: {self._describe_problems(error)}.\n"
                "  Build it by its class; JSON has no infinity and no NaN, and a validator must accept its own result."
            ) from error

    def check_class(self, item: object) -> None:
        """Raise `WorkError` for an item of another class than the table's model."""
        if type(item) is not self._model:
            raise WorkError(
                f"table {self._table} holds {self._model.__qualname__}, not {type(item).__qualname__}: its other "
                f"fields would be lost.\n  Put a {self._model.__qualname__}."
            )

    def read(self, document: str, key: tuple[str, ...]) -> Record:
        """Return the item in `document`, by aliases or, if the model allows, names; else raise `UnreadableError`.

        Raises:
            UnreadableError: names the key of the item and its invalid fields.
        """
        try:
            return read_tolerant(self._model, document, extra=None, by_name=self._by_name)
        except ValidationError as error:
            problem = self._describe_problems(error)
            named = ", ".join(f"{name} {text!r}" for name, text in zip(self._key, key, strict=False))
            raise UnreadableError(
                f"an item of table {self._table} is no longer a {self._model.__qualname__} ({named}): {problem}.\n"
                "  Give new fields a default, or rewrite the stored items. "
                "scan(skip_unreadable=True) continues, and lists such items in Page.unreadable.",
                problem,
            ) from error

    def _describe_problems(self, error: ValidationError) -> str:
        """Return the invalid fields and their problems in one text; keys of dictionaries are masked."""
        return "; ".join(f"{path}: {message}" for path, message in problems(error, names=names_in(self._model)))
