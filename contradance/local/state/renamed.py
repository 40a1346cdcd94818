"""Gives a renamed function what the laptop holds under its old name, as `deployed_as=` keeps it on AWS."""

from contradance.choreography import Choreography
from contradance.local.state.database import Database


def renamed_functions(choreography: Choreography) -> dict[str, str]:
    """Return {deployed name: name in the code} of renamed functions; not where another function has the old name."""
    return {
        function.deployed_name: name
        for name, function in choreography.functions.items()
        if function.deployed_name != name and function.deployed_name not in choreography.functions
    }


def adopt_renamed(database: Database, choreography: Choreography) -> None:
    """Move pending deliveries and dead letters of renamed functions from their deployed names to those in the code."""
    renamed = [(name, old) for old, name in renamed_functions(choreography).items()]
    if renamed:
        database.write(
            lambda connection: [
                connection.executemany(f"UPDATE {table} SET function = ? WHERE function = ?", renamed)  # noqa: S608 - constants
                for table in ("delivery", "dead_letter")
            ]
        )
