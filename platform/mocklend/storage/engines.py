"""Engines: SQLite by default, PostgreSQL where a URL says so; and what the database itself refuses.

SQLite runs in WAL mode with `synchronous=FULL`: a power cut loses no acknowledged commit. `fast` means NORMAL, which
may lose the last ones and is offered by that name only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, PrimaryKeyConstraint, UniqueConstraint, create_engine, event
from sqlalchemy.pool import QueuePool

from mocklend.storage.schema import metadata

APPEND_ONLY = ("transactions", "postings", "book_facts", "world_facts", "acts")


def open_engine(url: str, *, fast: bool = False) -> Engine:
    """An engine for a database URL, with the tables made where they are missing."""
    if url.startswith("sqlite"):
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=16,
            max_overflow=64,
            connect_args={"check_same_thread": False, "timeout": 30},
        )
        _tune_sqlite(engine, fast=fast)
    else:
        engine = create_engine(url, pool_size=16, max_overflow=16)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Many processes may start at once; only one may make the tables.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7236514)")
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        metadata.create_all(connection)
        for sql in _guards(engine.dialect.name):
            connection.exec_driver_sql(sql)
    return engine


def _tune_sqlite(engine: Engine, *, fast: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(dbapi_connection: Any, _record: Any) -> None:
        # We say BEGIN ourselves: the driver's own would start a read transaction where a write one is meant.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'NORMAL' if fast else 'FULL'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-65536")
        cursor.execute("PRAGMA temp_store=MEMORY")
        # Pages that many commits change are copied to the database once in 16 MB of log, not once in 4.
        cursor.execute("PRAGMA wal_autocheckpoint=4000")
        cursor.close()


def _guards(dialect: str) -> Iterator[str]:
    """Triggers: no update ever, and no delete while the row's sandbox lives. They bind whoever connects."""
    alive = "EXISTS (SELECT 1 FROM sandboxes WHERE id = OLD.sandbox_id)"
    if dialect == "postgresql":
        yield """
            CREATE OR REPLACE FUNCTION mocklend_refuse() RETURNS trigger AS $$
            BEGIN
                IF TG_OP <> 'DELETE' OR EXISTS (SELECT 1 FROM sandboxes WHERE id = OLD.sandbox_id) THEN
                    RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only';
                END IF;
                RETURN OLD;
            END $$ LANGUAGE plpgsql"""
    for table in APPEND_ONLY:
        if dialect == "postgresql":
            yield (
                f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION mocklend_refuse()"
            )
            # TRUNCATE would take the rows of every sandbox without asking the row's trigger.
            yield (
                f"CREATE OR REPLACE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION mocklend_refuse()"
            )
            continue
        refuse = f"SELECT RAISE(ABORT, '{table} is append-only')"
        yield f"CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse}; END"
        # INSERT OR REPLACE would delete, by any of the keys, without asking the delete trigger.
        again = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {same})" for same in _same_keys(table))
        insert = f"BEFORE INSERT ON {table} WHEN {again}"
        yield f"CREATE TRIGGER IF NOT EXISTS {table}_no_replace {insert} BEGIN {refuse}; END"
        living = f"WHEN {alive}"
        yield f"CREATE TRIGGER IF NOT EXISTS {table}_no_delete BEFORE DELETE ON {table} {living} BEGIN {refuse}; END"


def _same_keys(table: str) -> Iterator[str]:
    """For each key of a table, the condition that a new row shares it with one that is there."""
    for key in sorted(metadata.tables[table].constraints, key=lambda one: str(one.name)):
        if isinstance(key, PrimaryKeyConstraint | UniqueConstraint):
            yield " AND ".join(f"{column.name} = NEW.{column.name}" for column in key.columns)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.rollback()
            raise
        try:
            connection.commit()
        except BaseException:
            # SQLAlchemy holds the transaction for over and would pool the connection with it still open.
            connection.invalidate()
            raise


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent snapshot: all queries in it see the same moment."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield connection
        finally:
            connection.rollback()
