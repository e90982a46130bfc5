"""The SQL that the write path runs: text with a name, prepared once, grouped by name and run as one `executemany`.

A command never runs SQL. It names a statement and its parameters; the writer collects those of a group of commands and
flushes them in the order of their rank. They are text, not SQLAlchemy constructs, since compiling a construct costs
five times as much as the statement itself (measured).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection

Value = str | int | None
"""The type of a column's value and of a statement's parameter."""

ENTITIES, JOURNAL, FACTS, VIEWS, OUTBOX, LAYER = 10, 20, 30, 40, 50, 60
"""Ranks: parents run before children; a layer's statements run last, in the order of the writes."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A named SQL text with `:name` parameters, portable between SQLite and PostgreSQL."""

    name: str
    sql: str
    rank: int


STATEMENTS: dict[str, Statement] = {}


def statement(name: str, sql: str, *, rank: int) -> str:
    """Register a statement under its name. Returns the name."""
    registered = STATEMENTS.get(name)
    if registered is not None and registered.sql != sql:
        raise AssertionError(f"two statements are named {name!r}")
    STATEMENTS[name] = Statement(name, sql, rank)
    return name


def flush(connection: Connection, writes: Iterable[tuple[str, Mapping[str, Value]]]) -> None:
    """Run the writes by rank, each name as one `executemany`; from rank LAYER on, in the given order.

    A layer may open an entry, end it and open the next within one group, so their order matters.
    """
    by_name: dict[str, list[Mapping[str, Value]]] = {}
    in_order: list[tuple[str, Mapping[str, Value]]] = []
    for name, parameters in writes:
        if STATEMENTS[name].rank >= LAYER:
            in_order.append((name, parameters))
        else:
            by_name.setdefault(name, []).append(parameters)
    for name in sorted(by_name, key=lambda each: STATEMENTS[each].rank):
        run_many(connection, STATEMENTS[name].sql, by_name[name])
    for name, group in groupby(in_order, key=lambda write: write[0]):
        run_many(connection, STATEMENTS[name].sql, [parameters for _, parameters in group])


def run_many(connection: Connection, sql: str, rows: Sequence[Mapping[str, Value]]) -> None:
    """Run one statement for all rows, on the driver."""
    connection.exec_driver_sql(in_driver_style(sql, connection.dialect.paramstyle), list(rows))


_DRIVER_SQL: dict[tuple[str, str], str] = {}
_NAMED = re.compile(r"(?<!:):([a-z_][a-z0-9_]*)")


def in_driver_style(sql: str, paramstyle: str) -> str:
    """The text in the driver's parameter style: SQLite accepts `:name`, psycopg needs `%(name)s`."""
    if paramstyle != "pyformat":
        return sql
    key = (sql, paramstyle)
    if key not in _DRIVER_SQL:
        _DRIVER_SQL[key] = _NAMED.sub(r"%(\1)s", sql)
    return _DRIVER_SQL[key]
