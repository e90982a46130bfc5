"""Revisions of the tables: a new database, one of an earlier release, one without a revision, and one of a newer version."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, inspect

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.runtime import Platform, find_layer
from mocklend.storage import opening, parts, upgrading
from mocklend.storage.engines import open_engine
from mocklend.storage.migrations.runner import scripts, upgrade
from mocklend.storage.opening import CannotOpen, database
from mocklend.storage.parts import MAKE_VERSIONS, PARTS, READ_VERSIONS, SchemaPart
from mocklend.storage.schema import metadata
from support.frozen_database import FROZEN, key_and_audit, thaw

RELEASES = sorted(path.name.removesuffix(".rows.sql") for path in FROZEN.glob("*.rows.sql"))
PRESENT = {part.head for part in PARTS.values()}
FAULTS = PARTS["faults"].head


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/one.db"
    alone: str = request.getfixturevalue("postgresql_alone")
    return alone


@pytest.fixture
def bare(url: str) -> Iterator[Engine]:
    """An engine without Mocklend's settings."""
    engine = create_engine(database(url))
    yield engine
    engine.dispose()


def stamps(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.exec_driver_sql(READ_VERSIONS).scalars())


def tables(engine: Engine) -> object:
    """All that an engine can say of its tables, its indexes and guards, in whatever order they were made."""
    look = inspect(engine)
    columns = {
        table: {
            "columns": sorted((c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns(table)),
            "key": look.get_pk_constraint(table),
            "foreign": sorted(map(str, look.get_foreign_keys(table))),
            "unique": sorted(map(str, look.get_unique_constraints(table))),
            "checks": sorted(map(str, look.get_check_constraints(table))),
        }
        for table in look.get_table_names()
    }
    guards = (
        "SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'index') AND sql IS NOT NULL ORDER BY name"
        if engine.dialect.name == "sqlite"
        else """
        SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"""
    )
    with engine.connect() as connection:
        return columns, [(name, sql.split()) for name, sql in connection.exec_driver_sql(guards)]


def test_the_revisions_lead_to_the_tables_that_are_declared(bare: Engine, url: str, tmp_path: Path) -> None:
    open_engine(url).dispose()
    declared = tables(bare)
    with bare.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.exec_driver_sql(f"DROP TABLE {table.name}")
        connection.exec_driver_sql("DELETE FROM alembic_version")
        upgrade(connection)

    assert tables(bare) == declared
    assert stamps(bare) == PRESENT


def test_each_part_names_its_revisions_and_all_tables() -> None:
    for part in PARTS.values():
        walked = [script.revision for script in scripts().walk_revisions("base", part.head)]
        assert tuple(reversed(walked)) == part.revisions
    named = [table for part in PARTS.values() for table in part.tables]
    assert sorted(named) == sorted(metadata.tables)


@pytest.mark.parametrize("stamped", [True, False], ids=["stamped", "before_there_were_revisions"])
@pytest.mark.parametrize("release", RELEASES)
def test_a_database_of_a_release_opens_audits_as_before_and_keeps_its_answer_key(
    release: str, stamped: bool, url: str, bare: Engine
) -> None:
    thaw(bare, release)
    if not stamped:
        with bare.begin() as connection:
            connection.exec_driver_sql("DROP TABLE alembic_version")
    platform = Platform(url, find_layer())

    key, audit = key_and_audit(platform)
    platform.close()

    assert key == json.loads((FROZEN / f"{release}.key.json").read_text())
    open_entries = [entry for entry in key["entries"] if entry["status"] == "active"]
    assert open_entries
    assert [item["explained_by"] is not None for item in audit["discrepancies"]] == [True] * len(open_entries)
    assert [invariant for invariant in audit["invariants"] if not invariant["holds"]] == []
    assert stamps(bare) == PRESENT


def test_a_database_of_a_release_keeps_scores_from_now_on(url: str, bare: Engine) -> None:
    thaw(bare, RELEASES[0])
    platform = Platform(url, find_layer())
    client = create_app(Settings(), platform).test_client()

    made = client.post("/-/scores", json={"findings": [], "label": "Group 7"}).get_json()

    assert client.get(f"/-/scores/{made['id']}").get_json() == made
    [listed] = client.get("/-/scores").get_json()["scores"]
    assert (listed["label"], listed["missed"]) == ("Group 7", made["counts"]["missed"])
    platform.close()


def test_a_present_database_costs_a_query_and_loads_no_alembic(url: str) -> None:
    open_engine(url).dispose()
    ran: list[str] = []
    listen = lambda _c, _cursor, sql, *_: ran.append(sql)  # noqa: E731
    event.listen(Engine, "before_cursor_execute", listen)
    try:
        engine = open_engine(url)
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
    engine.dispose()
    program = (
        "import sys; from mocklend.runtime import Platform, find_layer; "
        f"Platform({url!r}, find_layer()).close(); sys.exit('alembic' in sys.modules)"
    )

    assert ran.count(READ_VERSIONS) >= 1
    assert [sql for sql in ran if sql.split()[0] in ("CREATE", "ALTER", "DROP", "INSERT")] == []
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_a_newer_database_is_refused_with_what_was_expected_and_what_came(url: str, bare: Engine) -> None:
    open_engine(url).dispose()
    with bare.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM alembic_version WHERE version_num = '{FAULTS}'")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('faults_9999')")

    with pytest.raises(CannotOpen, match=rf"newer version.*at most revision {FAULTS}.*is at faults_9999") as caught:
        open_engine(url)

    assert caught.value.remedy == "Open it with that version, or give a new database."
    assert stamps(bare) == PRESENT - {FAULTS} | {"faults_9999"}


def test_a_part_that_is_installed_later_gets_its_tables(url: str, bare: Engine) -> None:
    open_engine(url).dispose()
    with bare.begin() as connection:
        for table in PARTS["faults"].tables:
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql(f"DELETE FROM alembic_version WHERE version_num = '{FAULTS}'")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('somebody_0003')")

    open_engine(url).dispose()

    assert set(inspect(bare).get_table_names()) >= PARTS["faults"].tables
    assert stamps(bare) == PRESENT | {"somebody_0003"}


def test_processes_that_start_at_once_make_the_tables_once(postgresql_alone: str) -> None:
    with ThreadPoolExecutor(4) as starts:
        engines = list(starts.map(open_engine, [postgresql_alone] * 4))

    assert [stamps(engine) for engine in engines] == [PRESENT] * 4
    for engine in engines:
        engine.dispose()


def test_a_table_that_was_dropped_is_missed_when_the_database_is_opened(url: str, bare: Engine) -> None:
    open_engine(url).dispose()
    with bare.begin() as connection:
        connection.exec_driver_sql("DROP TABLE loan_views")

    with pytest.raises(CannotOpen, match="it lacks table loan_views"):
        open_engine(url)


# --- a part with two revisions ---

FIRST = """
from alembic import op
revision, down_revision, branch_labels = "notes_0001", None, ("notes",)
def upgrade():
    op.execute("CREATE TABLE notes (id INTEGER NOT NULL PRIMARY KEY, body TEXT NOT NULL)")
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "notes_0002", "notes_0001"
def upgrade():
    op.add_column("notes", sa.Column("length", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE notes SET length = LENGTH(body)")
"""


@pytest.fixture
def notes(tmp_path: Path, bare: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A database at the first revision of another part, with a row; and that part's second revision."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "notes_0001.py").write_text(FIRST)
    (folder / "notes_0001.sqlite.sql").write_text("CREATE TABLE notes (id INTEGER, body TEXT);\n")
    only = SchemaPart("notes", folder, ("notes_0001",), frozenset({"notes"}))
    monkeypatch.setattr(parts, "PARTS", {"notes": only})
    for module in (upgrading, opening, sys.modules["mocklend.storage.migrations.runner"]):
        monkeypatch.setattr(module, "PARTS", parts.PARTS)
    for module in (upgrading, opening):
        monkeypatch.setattr(module, "loose_tables", lambda _: [])
    with bare.begin() as connection:
        connection.exec_driver_sql(MAKE_VERSIONS)
        upgrade(connection)
        connection.exec_driver_sql("INSERT INTO notes VALUES (1, 'hello')")

    def second(script: str) -> None:
        (folder / "notes_0002.py").write_text(script)
        parts.PARTS["notes"] = SchemaPart("notes", folder, ("notes_0001", "notes_0002"), frozenset({"notes"}))

    return second


def stored(connection: Connection) -> list[dict[str, object]]:
    return [dict(row) for row in connection.exec_driver_sql("SELECT * FROM notes").mappings()]


@pytest.mark.parametrize("stamped", [True, False])
def test_an_older_database_is_migrated_with_its_rows(
    notes: Callable[[str], None], url: str, bare: Engine, stamped: bool
) -> None:
    notes(SECOND)
    if not stamped:
        with bare.begin() as connection:
            connection.exec_driver_sql("DROP TABLE alembic_version")

    open_engine(url).dispose()

    with bare.connect() as connection:
        assert stored(connection) == [{"id": 1, "body": "hello", "length": 5}]
    assert stamps(bare) == {"notes_0002"}


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    notes: Callable[[str], None], url: str, bare: Engine
) -> None:
    notes(SECOND + "    raise ArithmeticError('by design')\n")

    with pytest.raises(ArithmeticError, match="by design"):
        open_engine(url)

    with bare.connect() as connection:
        assert stored(connection) == [{"id": 1, "body": "hello"}]
    assert stamps(bare) == {"notes_0001"}


def test_the_text_of_a_revision_is_a_script_that_a_database_runs(tmp_path: Path) -> None:
    """So that it can be read, and run by hand."""
    for part in PARTS.values():
        texts = [(part.folder / f"{revision}.sqlite.sql").read_text() for revision in part.revisions]
        with closing(sqlite3.connect(tmp_path / f"{part.name}.db")) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS sandboxes_of_others (id TEXT)")
            for text in texts:
                connection.executescript(text)
            found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert found - {"sandboxes_of_others"} == part.tables
