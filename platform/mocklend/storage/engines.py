"""Engines: SQLite by default, PostgreSQL by URL; and the triggers by which the database refuses changes.

SQLite runs in WAL mode with `synchronous=FULL`: a power cut loses no acknowledged commit. `fast` means NORMAL, which
may lose the last commits. Every wait has a limit. On PostgreSQL no setting is kept in the session, unless the session
is not pooled: a pooler such as PgBouncer gives each transaction another session.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from mocklend.storage.alone import OpenLock
from mocklend.storage.driver import execute
from mocklend.storage.ground import FileMoved, Files, Ground
from mocklend.storage.opening import CannotOpen, database, display_name, look_at, why_not
from mocklend.storage.upgrading import make_present

LOCK_WAIT_MS = 5_000
"""Milliseconds that a write waits for another process's lock."""
PROBE_WAIT_MS = 100
"""Milliseconds that a retry waits while that lock is known to be held."""
CONNECTION_WAIT_S = 5
STATEMENT_WAIT_S = 60
"""Seconds after which PostgreSQL gives up on a statement, and on a transaction that waits for its next one."""
OPEN_MAX = 80
KEPT = 6
"""Connections to SQLite: the most at once, and how many stay open. The others are closed after a burst."""
CACHE_KIB = 4_096
"""The page cache of each. A larger one brings little: when another connection commits, it is dropped."""
GROUND = "mocklend_ground"
ALONE = "mocklend_alone"
POOLED = "mocklend_pooled"
LIMITS = "mocklend_limits"

LIBPQ = {
    "connect_timeout": 5, "keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}  # fmt: skip
"""Detect an unreachable server within seconds; TCP alone would take a quarter of an hour."""


def open_engine(
    url: str, *, fast: bool = False, alone: bool = False, statement_wait_s: float = STATEMENT_WAIT_S
) -> Engine:
    """An engine for a database URL, its tables at the present revision. `alone` as in `Platform`. Raises CannotOpen."""
    where = database(url)
    ground = Ground(display_name(where))
    look_at(where)
    if where.get_backend_name() == "sqlite":
        _make_private(where)
    lock = OpenLock(where, alone=alone)
    if where.get_backend_name() == "sqlite":
        engine = _sqlite(where, ground, fast=fast)
    else:
        engine = _postgresql(where, ground, int(statement_wait_s * 1000))
    event.listen(engine, "engine_disposed", lambda _: lock.close())
    engine.update_execution_options(**{ALONE: alone and lock.is_held})
    try:
        make_present(engine)
        if engine.dialect.name == "sqlite":
            _watch(engine, ground)
    except Exception as failure:
        engine.dispose()
        reason = why_not(where, failure)
        if reason is None:
            raise
        raise reason from failure
    return engine


def is_alone(engine: Engine) -> bool:
    """Whether no other process can open the engine's database meanwhile."""
    return bool(engine.get_execution_options()[ALONE])


def is_shared(engine: Engine) -> bool:
    """Whether other processes may serve the engine's database meanwhile: on PostgreSQL."""
    return engine.dialect.name == "postgresql"


def ground_of(engine: Engine) -> Ground:
    """The `Ground` of an engine: the state of its database."""
    ground: Ground = engine.get_execution_options()[GROUND]
    return ground


def _make_private(where: URL) -> None:
    """Create a missing SQLite database file, empty and readable for its owner alone. SQLite gives its log and index
    the same permissions. The permissions of an existing file stay. Raises CannotOpen."""
    name = where.database or ""
    if name.startswith("file:"):
        name = unquote(urlsplit(name).path)
    if name in ("", ":memory:") or where.query.get("mode", "rwc") != "rwc":
        return  # In memory, or a URL by which SQLite does not create the file.
    try:
        descriptor = os.open(os.path.realpath(name), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    except OSError as failure:
        raise CannotOpen(f"{name} cannot be made: {failure.strerror}.") from None
    os.fchmod(descriptor, 0o600)  # A umask may have removed even the owner's permissions.
    os.close(descriptor)


def _sqlite(where: URL, ground: Ground, *, fast: bool) -> Engine:
    engine = create_engine(
        where,
        poolclass=QueuePool,
        pool_size=KEPT,
        max_overflow=OPEN_MAX - KEPT,
        pool_use_lifo=True,  # So that the caches of few connections are used, and filled.
        pool_timeout=CONNECTION_WAIT_S,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": LOCK_WAIT_MS / 1000},
        execution_options={GROUND: ground},
    )

    @event.listens_for(engine, "connect")
    def on_connect(dbapi_connection: Any, _record: Any) -> None:
        if ground.files is not None and ground.files.has_moved():
            raise FileMoved  # The file that was just opened is another one.
        # We issue BEGIN ourselves: the driver's would start a read transaction instead of a write transaction.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'NORMAL' if fast else 'FULL'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        cursor.execute("PRAGMA temp_store=MEMORY")
        # Pages that many commits change are copied to the database once in 16 MB of log, not once in 4.
        cursor.execute("PRAGMA wal_autocheckpoint=4000")
        cursor.close()

    return engine


def _watch(engine: Engine, ground: Ground) -> None:
    """Remember the opened files. An idle connection prevents SQLite from removing its log."""
    with engine.connect() as connection:
        name = str(connection.exec_driver_sql("PRAGMA database_list").fetchone()[2])  # type: ignore[index]
    if not name:
        return  # In memory.
    anchor = sqlite3.connect(f"{Path(name).as_uri()}?mode=rw", uri=True, check_same_thread=False, timeout=1)
    anchor.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()
    ground.files = Files.of(Path(name))

    @event.listens_for(engine, "engine_disposed")
    def close_anchor(_engine: Engine) -> None:
        ground.files = None
        anchor.close()


def _postgresql(where: URL, ground: Ground, wait_ms: int) -> Engine:
    limits = {
        "lock_timeout": LOCK_WAIT_MS, "statement_timeout": wait_ms, "idle_in_transaction_session_timeout": wait_ms,
    }  # fmt: skip
    for_transaction = ", ".join(f"set_config('{name}', '{ms}', true)" for name, ms in limits.items())
    engine = create_engine(
        where,
        pool_size=16,
        max_overflow=16,
        pool_timeout=CONNECTION_WAIT_S,
        pool_pre_ping=True,  # After a restart of the server the pool has dead connections.
        hide_parameters=True,
        connect_args={name: value for name, value in LIBPQ.items() if name not in where.query},
        execution_options={GROUND: ground, LIMITS: f"SELECT {for_transaction}"},
    )

    @event.listens_for(engine, "connect")
    def on_connect(dbapi_connection: Any, record: Any) -> None:
        dbapi_connection.autocommit = True
        (backend,) = dbapi_connection.execute("SELECT pg_backend_pid()").fetchone()
        # A pooler reports an invented backend number, since its client has no backend of its own.
        record.info[POOLED] = backend != dbapi_connection.info.backend_pid
        if record.info[POOLED]:
            dbapi_connection.prepare_threshold = None
        else:
            dbapi_connection.execute(";".join(f"SET {name} = {ms}" for name, ms in limits.items()))
        dbapi_connection.autocommit = False

    return engine


@contextmanager
def _waiting_for_disk(connection: Connection, waits: bool) -> Iterator[None]:
    """SQLite sets this per connection, not per transaction. NORMAL may lose the last commits."""
    if waits or connection.dialect.name != "sqlite":
        yield
        return
    was = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        if not connection.invalidated:
            connection.exec_driver_sql(f"PRAGMA synchronous={was}")


@contextmanager
def writing(engine: Engine, *, waits_for_disk: bool = True) -> Iterator[Connection]:
    """One write transaction. Without `waits_for_disk` a power cut may lose it.

    Raises Unavailable if the database cannot be used.
    """
    ground = ground_of(engine)
    trying = ground.admit(to_write=True)
    try:
        with engine.connect() as connection, _waiting_for_disk(connection, waits_for_disk):
            _begin(connection, trying=trying is not None)
            if not waits_for_disk and engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            try:
                connection.commit()
            except BaseException:
                # SQLAlchemy takes the transaction as ended and would pool the connection with it still open.
                connection.invalidate()
                raise
        if ground.files is not None and ground.files.has_moved():
            raise FileMoved  # The write went to the replaced file: it must not be reported as durable.
    except Exception as failure:
        unavailable = ground.failed(failure, to_write=True)
        if unavailable is None:
            raise
        raise unavailable from failure
    if trying is not None:
        ground.is_back(trying)


def _begin(connection: Connection, *, trying: bool) -> None:
    if connection.dialect.name == "sqlite":
        if not trying:
            execute(connection, "BEGIN IMMEDIATE")
            return
        connection.exec_driver_sql(f"PRAGMA busy_timeout={PROBE_WAIT_MS}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={LOCK_WAIT_MS}")
    elif connection.info[POOLED]:
        _set_limits(connection)


def _set_limits(connection: Connection) -> None:
    """Set for one transaction what another session of the pooler may not have: one round trip."""
    connection.exec_driver_sql(str(connection.engine.get_execution_options()[LIMITS]))


@contextmanager
def reading(engine: Engine, *, one_statement: bool = False) -> Iterator[Connection]:
    """One consistent snapshot for all queries in it. Raises Unavailable if the database cannot be used.

    With `one_statement` it is for one query, which is a snapshot by itself: on PostgreSQL this saves two round trips.
    """
    ground = ground_of(engine)
    trying = ground.admit(to_write=False)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                execute(connection, "BEGIN")
            elif one_statement:
                connection.execution_options(isolation_level="AUTOCOMMIT")
            else:
                execute(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                if connection.info[POOLED]:
                    _set_limits(connection)
            try:
                yield connection
            finally:
                connection.rollback()
    except Exception as failure:
        unavailable = ground.failed(failure, to_write=False)
        if unavailable is None:
            raise
        raise unavailable from failure
    if trying is not None:
        ground.is_back(trying)
