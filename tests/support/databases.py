"""Empty databases for tests: files of SQLite, or databases of one PostgreSQL server a process (`--engine postgresql`).

A database of PostgreSQL is a copy of a template that has all tables. One that a test has used is emptied and used again,
which takes a tenth of the time, unless the test changed its tables: then it is dropped.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

SQLITE, POSTGRESQL = "sqlite", "postgresql"
ENGINES = (SQLITE, POSTGRESQL)

USES = 100
"""After so many tests a database is dropped: nothing vacuums it."""
_KEPT = "alembic_version"
"""Its rows belong to the schema."""

_PRESENT = """
    SELECT md5(string_agg(item, ',' ORDER BY item)) FROM (
        SELECT concat(c.oid, c.relname, c.relkind) AS item FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'
        UNION ALL SELECT concat(t.oid, t.tgname, t.tgenabled) FROM pg_trigger t
        UNION ALL SELECT concat(a.attrelid, a.attname) FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'
    ) AS items"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


class Server:
    """The databases of a PostgreSQL server, by its URL."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._run = uuid.uuid4().hex[:12]
        self._made = 0
        self._template = self._create("")
        self._free: list[str] = []
        self._uses: dict[str, int] = {}
        # Imported late: a test run on SQLite needs nothing of this.
        import mocklend_faults.engine  # noqa: F401
        from mocklend.storage.engines import open_engine

        open_engine(_text(self._at(self._template))).dispose()
        with self._connect(self._template) as connection:
            self._schema = connection.execute(_PRESENT).fetchone()
            tables = [name for (name,) in connection.execute(_TABLES) if name != _KEPT]
        # The guards of append-only tables do not fire for a replica.
        empty = "".join(f"DELETE FROM {name};" for name in tables)
        self._empty = f"SET session_replication_role = replica; {empty}"

    def take(self) -> str:
        """The URL of an empty database with all tables."""
        name = self._free.pop() if self._free else self._create(f"TEMPLATE {self._template} STRATEGY FILE_COPY")
        self._uses[name] = self._uses.get(name, 0) + 1
        return _text(self._at(name))

    def put_back(self, url: str) -> None:
        """The test is over: empty its database, or drop it."""
        name = str(make_url(url).database)
        if self._uses[name] >= USES or not self._emptied(name):
            self._drop(name)
        else:
            self._free.append(name)

    def close(self) -> None:
        """Drop all that was made."""
        for name in (*self._uses, self._template):
            self._drop(name)

    def _emptied(self, name: str) -> bool:
        with self._connect(name) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if connection.execute(_PRESENT).fetchone() != self._schema:
                return False
            connection.execute(self._empty)
            return True

    def _at(self, name: str) -> URL:
        return self._url.set(database=name)

    @contextmanager
    def _connect(self, name: str | None = None) -> Iterator[psycopg.Connection]:
        url = self._url if name is None else self._at(name)
        with psycopg.connect(_text(url.set(drivername="postgresql")), autocommit=True) as connection:
            yield connection

    def _create(self, how: str) -> str:
        self._made += 1
        name = f"test_{self._run}_{self._made}"
        with self._connect() as connection:
            connection.execute(f"CREATE DATABASE {name} {how}")
        return name

    def _drop(self, name: str) -> None:
        with self._connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._uses.pop(name, None)


class Databases:
    """The databases of one test, or of several tests that share a fixture."""

    def __init__(self, folder: Path, server: Server | None) -> None:
        self._folder, self._server = folder, server
        self._by_name: dict[str, str] = {}

    def __call__(self, name: str = "mocklend") -> str:
        """The path or URL of the database of this name: the same one each time, and empty at first."""
        if self._server is None:
            return str(self._folder / f"{name}.db")
        if name not in self._by_name:
            self._by_name[name] = self._server.take()
        return self._by_name[name]

    def close(self) -> None:
        """Return them. Whoever opened them has closed them before."""
        if self._server is not None:
            for url in self._by_name.values():
                self._server.put_back(url)


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
