"""An AWS account that is one SQLite file: every resource that the stand-in provider created in it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engine.wire import Value

Properties = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Resource:
    """What there is of one resource."""

    type: str
    """Pulumi's token: `aws:cloudwatch/eventRule:EventRule`."""
    id: str
    inputs: Properties
    outputs: Properties


@dataclass(frozen=True, slots=True)
class Account:
    """One account in one region."""

    file: Path
    number: str
    region: str

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """Return an ARN in this account; IAM's have no region."""
        return f"arn:aws:{service}:{self.region if regional else ''}:{self.number}:{resource}"

    def every(self, *types: str) -> list[Resource]:
        """Return the resources of these types, or all, in the order of their creation."""
        chosen = f"WHERE type IN ({','.join('?' * len(types))})" if types else ""
        with self._connection() as connection:
            rows = connection.execute(f"SELECT type, id, inputs, outputs FROM resources {chosen}", types)  # noqa: S608 - placeholders alone
            return [
                Resource(kind, name, json.loads(inputs), json.loads(outputs)) for kind, name, inputs, outputs in rows
            ]

    def get(self, kind: str, name: str) -> Resource | None:
        """Return one resource, or None."""
        with self._connection() as connection:
            row = connection.execute(
                "SELECT inputs, outputs FROM resources WHERE type = ? AND id = ?", (kind, name)
            ).fetchone()
        return None if row is None else Resource(kind, name, json.loads(row[0]), json.loads(row[1]))

    def add(self, resource: Resource) -> bool:
        """Keep a new resource; return whether there was none of its type and id."""
        with self._connection() as connection:
            return (
                connection.execute("INSERT OR IGNORE INTO resources VALUES (?, ?, ?, ?)", _row(resource)).rowcount == 1
            )

    def change(self, resource: Resource) -> None:
        """Keep what became of a resource."""
        kind, name, *states = _row(resource)
        with self._connection() as connection:
            statement = "UPDATE resources SET inputs = ?, outputs = ? WHERE type = ? AND id = ?"
            connection.execute(statement, (*states, kind, name))

    def remove(self, kind: str, name: str) -> None:
        """Forget a resource."""
        with self._connection() as connection:
            connection.execute("DELETE FROM resources WHERE type = ? AND id = ?", (kind, name))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.file, timeout=60)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS resources "
                "(type TEXT, id TEXT, inputs TEXT, outputs TEXT, UNIQUE (type, id))"
            )
            yield connection


def _row(resource: Resource) -> tuple[str, str, str, str]:
    return resource.type, resource.id, json.dumps(resource.inputs), json.dumps(resource.outputs)
