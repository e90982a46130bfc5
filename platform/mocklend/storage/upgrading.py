"""Brings an opened database to the present revision: makes what is new, adopts what has no revision, migrates the rest.

A present database costs one query. Everything else is done under a lock, in one transaction: it is done or it is not.
Alembic is loaded only where a revision has to be run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import ProgrammingError

from mocklend.storage.ddl import ddl
from mocklend.storage.opening import require_tables, stamps_of
from mocklend.storage.parts import MAKE_VERSIONS, PARTS, READ_VERSIONS, SchemaPart, is_present, loose_tables
from mocklend.storage.schema import metadata

LOCK = 7_236_514
"""PostgreSQL's advisory lock of those who change the tables."""


def make_present(engine: Engine) -> None:
    """Bring all parts to their present revision. Raises CannotOpen where the tables are not Mocklend's."""
    if engine.dialect.name == "postgresql" and _is_present(engine):
        return
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Many processes may start at once; only one may change the tables, for as long as it takes.
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            if _fits(connection):
                return
        _make_parts_present(connection)


def _is_present(engine: Engine) -> bool:
    with engine.connect() as connection:
        try:
            return _fits(connection)
        except ProgrammingError as failure:
            if getattr(failure.orig, "sqlstate", None) != "42P01":  # There is no such table.
                raise
            return False


def _fits(connection: Connection) -> bool:
    """Whether there is nothing to do. On SQLite a failed query does not end the transaction."""
    if loose_tables(metadata.tables):
        return False
    try:
        stamps = connection.exec_driver_sql(READ_VERSIONS).scalars().all()
    except Exception as failure:
        if "no such table" in str(failure):
            return False
        raise
    return is_present(stamps_of(connection.engine.url, stamps))


def _make_parts_present(connection: Connection) -> None:
    dialect = connection.dialect.name
    tables = require_tables(connection.engine.url, dialect, connection.exec_driver_sql)
    connection.exec_driver_sql(MAKE_VERSIONS)
    versions = dict(stamps_of(connection.engine.url, connection.exec_driver_sql(READ_VERSIONS).scalars().all()))
    adopted = [part for part in PARTS.values() if part.name not in versions and not part.tables.isdisjoint(tables)]
    for part in PARTS.values():
        if part.name not in versions:
            versions[part.name] = _made_or_adopted(connection, part, tables)
    if any(versions[part.name] != part.head for part in PARTS.values()):
        from mocklend.storage.migrations.runner import upgrade

        upgrade(connection)
    for part in adopted:  # Nobody knows which of their indexes and guards are there.
        _run(connection, tuple(sorted(part.tables)))
    _run(connection, tuple(loose_tables(metadata.tables)))


def _made_or_adopted(connection: Connection, part: SchemaPart, tables: Mapping[str, Any]) -> str:
    """Make the part's tables, or take over those of before the first release; the revision that they are at."""
    is_new = part.tables.isdisjoint(tables)
    version = part.head if is_new else part.revisions[0]
    if is_new:
        _run(connection, tuple(sorted(part.tables)))
    connection.exec_driver_sql(f"INSERT INTO alembic_version (version_num) VALUES ('{version}')")
    return version


def _run(connection: Connection, tables: tuple[str, ...]) -> None:
    for sql in ddl(connection.dialect.name, tables):
        connection.exec_driver_sql(sql)
