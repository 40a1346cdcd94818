"""Gives a renamed function or table what the laptop holds under its old name, as `deployed_as=` keeps it on AWS."""

from contradance.choreography import Choreography
from contradance.local.state.database import Database
from contradance.table import Grant


def renamed_functions(choreography: Choreography) -> dict[str, str]:
    """Return {deployed name: name in the code} of renamed functions; not where another function has the old name."""
    return {
        function.deployed_name: name
        for name, function in choreography.functions.items()
        if function.deployed_name != name and function.deployed_name not in choreography.functions
    }


def renamed_tables(choreography: Choreography) -> dict[str, str]:
    """Return {deployed name: name in the code} of renamed tables; not where another table has the old name."""
    links = [use for function in choreography.functions.values() for use in function.uses if isinstance(use, Grant)]
    declared = {grant.table for grant in links}
    return {grant.deployed_name: grant.table for grant in links if grant.deployed_name not in declared}


def adopt_renamed(database: Database, choreography: Choreography) -> None:
    """Move pending deliveries, dead letters and items from the deployed names to those in the code.

    An item that the table has under its name in the code stays as it is.
    """
    renamed = [(name, old) for old, name in renamed_functions(choreography).items()]
    if renamed:
        database.write(
            lambda connection: [
                connection.executemany(f"UPDATE {table} SET function = ? WHERE function = ?", renamed)  # noqa: S608 - constants
                for table in ("delivery", "dead_letter")
            ]
        )
    tables = [(name, old) for old, name in renamed_tables(choreography).items()]
    if tables:
        adopt = "UPDATE OR IGNORE item SET table_name = ? WHERE table_name = ?"
        database.write(lambda connection: connection.executemany(adopt, tables))
