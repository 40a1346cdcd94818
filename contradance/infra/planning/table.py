"""Plans of DynamoDB tables of the application."""

from collections.abc import Mapping
from dataclasses import dataclass

from contradance.function import AnyFunction
from contradance.infra.planning import grants
from contradance.infra.planning.function import Setup


@dataclass(frozen=True, slots=True)
class TablePlan:
    """One DynamoDB table of the application."""

    identity: str
    """Its deployed name, `service.table`."""
    table_name: str
    key: tuple[str, ...]
    """Names of its key fields: partition key, and sort key if it has one."""
    tags: Mapping[str, str]

    @property
    def sorted(self) -> bool:
        """Whether it has a sort key."""
        return len(self.key) > 1


def plan_tables(setup: Setup, functions: tuple[AnyFunction, ...]) -> tuple[TablePlan, ...]:
    """Return the plans of the tables that these functions use."""
    keys = {grant.table: grant.key for function in functions for grant in grants.linked_tables(function)}
    deployed = deployed_tables(functions)
    return tuple(
        TablePlan(deployed[table], name, keys[table], setup.tags(deployed[table].partition(".")[0]))
        for table, name in setup.tables.items()
    )


def deployed_tables(functions: tuple[AnyFunction, ...]) -> dict[str, str]:
    """Return the deployed name of each table that functions use, by its name in the code, sorted."""
    linked = {grant for function in functions for grant in grants.linked_tables(function)}
    return {grant.table: grant.deployed_name for grant in sorted(linked, key=lambda grant: grant.table)}
