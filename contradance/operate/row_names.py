"""Rows of tables by the names that people type: `loans.copies/KEY`, and `loans.history/KEY/SORT` with a sort key."""

from typing import NamedTuple
from urllib.parse import unquote

from contradance.choreography import Choreography
from contradance.deployed import Deployed
from contradance.errors import OperateError
from contradance.operate.copying import RowKey
from contradance.table import Grant


class NamedRow(NamedTuple):
    """A row that a person named."""

    text: str
    """As it was typed."""
    table: Grant
    key: RowKey


def named_row(choreography: Choreography, text: str) -> NamedRow:
    """Return the row that a text like `loans.copies/KEY` names; `OperateError` for an unknown table or a wrong key."""
    tables = {
        use.table: use
        for function in choreography.functions.values()
        for use in function.uses
        if isinstance(use, Grant)
    }
    name, _, rest = text.partition("/")
    table = tables.get(name)
    if table is None:
        raise OperateError(f"no function uses a table {name!r}.\n  Tables: {', '.join(sorted(tables)) or 'none'}.")
    parts = rest.split("/") if len(table.key) > 1 else [rest]
    if len(parts) != len(table.key) or not all(parts):
        raise OperateError(
            f"{text!r} is not the name of a row: the key of {name} is {', '.join(table.key)}.\n"
            f"  Write {name}/{'/'.join(part.upper() for part in table.key)}; a slash in a key is %2F."
        )
    return NamedRow(text, table, RowKey(*map(unquote, parts)))


def table_of(deployed: Deployed, row: NamedRow) -> str:
    """Return the name of a row's table in DynamoDB; raise `OperateError` if the stack does not have the table."""
    found = deployed.tables.get(row.table.deployed_name)
    if found is None:
        raise OperateError(
            f"the stack has no table {row.table.table}.\n  Its tables: {', '.join(sorted(deployed.tables)) or 'none'}."
        )
    return found.table_name
