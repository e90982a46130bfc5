"""The quick reader answers at once or not at all, and never writes."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest

from mocklend.runtime import Platform
from mocklend.storage.engines import open_engine
from mocklend.storage.quick import QuickReader

of_sqlite = pytest.mark.sqlite_only("PostgreSQL has no quick reader")


class Count(NamedTuple):
    number: int


COUNT = "SELECT COUNT(*) FROM sandboxes WHERE id = :id"


@pytest.fixture
def reader(platform: Platform) -> QuickReader:
    return QuickReader(platform.engine)


@of_sqlite
def test_the_quick_reader_sees_each_commit(reader: QuickReader, platform: Platform) -> None:
    before = reader.rows(Count, COUNT, {"id": "default"})
    platform.ensure_default(7)

    assert (before, reader.rows(Count, COUNT, {"id": "default"})) == ([(0,)], [(1,)])


@of_sqlite
def test_the_quick_reader_does_not_wait_for_a_writer_or_delay_one(reader: QuickReader, platform: Platform) -> None:
    writing = sqlite3.connect(str(platform.engine.url.database), isolation_level=None, timeout=0)
    writing.execute("BEGIN EXCLUSIVE")

    assert reader.rows(Count, COUNT, {"id": "default"}) == [(0,)]
    writing.execute("ROLLBACK")
    writing.close()


@of_sqlite
def test_a_failed_quick_read_has_no_answer_and_the_next_one_has(reader: QuickReader) -> None:
    assert reader.rows(Count, "SELECT nonsense", {}) is None
    assert reader.rows(Count, "DELETE FROM sandboxes", {}) is None
    assert reader.rows(Count, COUNT, {"id": "default"}) == [(0,)]


@of_sqlite
def test_without_its_file_the_quick_reader_has_no_answer(
    reader: QuickReader, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reader.rows(Count, COUNT, {"id": "default"}) == [(0,)]
    monkeypatch.setattr(platform.ground, "_look_at", 0.0)
    Path(str(platform.engine.url.database)).unlink()

    assert reader.rows(Count, COUNT, {"id": "default"}) is None


def test_the_quick_reader_closes_with_its_engine(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/one.db")
    reader = QuickReader(engine)
    assert reader.rows(Count, COUNT, {"id": "x"}) == [(0,)]

    engine.dispose()

    assert reader._connection is None
