"""Whether an SQL text reads and changes the rows of one sandbox alone, as SQLite's own planner understands it.

`sandbox_id` leads every key and index of the tables that hold sandboxes' rows. So a text is bound to one sandbox if and
only if each access to such a table is a search by `sandbox_id=?`, in subqueries and joins too: a table that is joined
by the `sandbox_id` of another is searched by it, and then the other one is scanned unless it is bound itself. A row
that is inserted names its sandbox, because the column is NOT NULL without a default.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from functools import cache
from threading import Lock

from sqlalchemy import create_engine

from mocklend.sandboxes import uses
from mocklend.scheduling import processes
from mocklend.storage.schema import metadata
from mocklend_faults.engine import classes, metrics

SCOPED = sorted(table.name for table in metadata.sorted_tables if "sandbox_id" in table.columns)
SERVER_WIDE = {
    metrics.OPEN_INJECTIONS: "the metrics of the server count the open entries of all answer keys",
    classes.PROGRESS: "a teacher sees how far each group of a class is, and each group has a sandbox",
    classes.OPEN_LIES: "likewise, how many lies each group of a class has to find",
    metrics.RULESETS: "the metrics of the server count the rules of all sandboxes",
    uses.LAST_USED: "whoever has the control plane sees all sandboxes, and when each was last used",
    processes.WOKEN: "a process looks for what others have written in any of the sandboxes that it runs",
    uses.UNUSED: "what nobody uses any more is looked for among all sandboxes",
    uses.WITHOUT_USE: "a server that starts notes of which sandboxes it does not know when they were used",
}
"""The texts that are about all sandboxes, each with the reason."""

# What else a plan may name: the tables without a sandbox, the engine's catalogue, and rows that no table holds.
_OPEN = {table.name for table in metadata.sorted_tables} - set(SCOPED) | {"sqlite_master", "CONSTANT"}
_VERB = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
_STRING = re.compile(r"'[^']*'")
_NAMES = re.compile(rf"\b({'|'.join(SCOPED)})\b")
_PYFORMAT = re.compile(r"%\((\w+)\)s")
_FROM_JSON = re.compile(r"INSERT INTO \w+ \(sandbox_id, [^()]*\) SELECT sandbox_id, .* FROM json_to_recordset\(.*")
_PARAMETER = re.compile(r"(?<!:):([a-z_][a-z0-9_]*)")
_MADE = re.compile(r"(?:CO-ROUTINE|MATERIALIZE) (\S+)")
_ACCESS = re.compile(r"(?:SCAN|SEARCH) (\S+)(.*)")
_LOCK = Lock()


def is_sql(text: str) -> bool:
    """Whether a text is a whole statement that reads or changes rows."""
    return _VERB.match(text) is not None


def names_scoped(sql: str) -> bool:
    """Whether a text names a table that holds sandboxes' rows."""
    return _NAMES.search(_STRING.sub("''", sql)) is not None


def unscoped(sql: str) -> list[str]:
    """The steps of a text's plan that look at rows of more than one sandbox; none where it is bound to one.

    Takes `:name`, `?`, `%(name)s` and `%s` parameters. Raises `sqlite3.Error` for what is not SQL on the platform's tables.
    """
    # As it was before PostgreSQL's driver had it.
    written = _PYFORMAT.sub(r":\1", sql).replace("%s", "?").replace("%%", "%")
    if not is_sql(written) or not names_scoped(written) or written in SERVER_WIDE:
        return []
    if _FROM_JSON.fullmatch(written):
        return []  # Rows that name their sandbox, in PostgreSQL's form.
    return list(_loose_steps(written.replace(" FOR UPDATE", "")))


def _loose_steps(sql: str) -> Iterator[str]:
    with _LOCK:
        places = _STRING.sub("''", sql).count("?")
        values = [None] * places if places else dict.fromkeys(_PARAMETER.findall(sql))
        steps = [row[3] for row in _database().execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    tables = {name[1] for step in steps if (name := _MADE.match(step))}
    for step in steps:
        access = _ACCESS.match(step)
        if access and access[1] not in tables | _OPEN and "sandbox_id=?" not in access[2]:
            yield step


@cache
def _database() -> sqlite3.Connection:
    """The platform's tables, empty, in memory. Texts for PostgreSQL compare by its collation of bytes."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.create_collation("C", lambda a, b: (a > b) - (a < b))
    metadata.create_all(create_engine("sqlite://", creator=lambda: connection))
    return connection
