"""The quick reader: what it is asked it answers at once, or not at all, and it never writes."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest

from mocklend.runtime import Platform
from mocklend.storage.engines import open_engine
from mocklend.storage.quick import QuickReader


class Count(NamedTuple):
    number: int


COUNT = "SELECT COUNT(*) FROM sandboxes WHERE id = :id"


@pytest.fixture
def reader(platform: Platform) -> QuickReader:
    return QuickReader(platform.engine)


def test_it_sees_each_commit(reader: QuickReader, platform: Platform) -> None:
    before = reader.rows(Count, COUNT, {"id": "default"})
    platform.ensure_default(7)

    assert (before, reader.rows(Count, COUNT, {"id": "default"})) == ([(0,)], [(1,)])


def test_it_does_not_wait_for_a_writer_nor_hold_one_up(reader: QuickReader, platform: Platform) -> None:
    writing = sqlite3.connect(str(platform.engine.url.database), isolation_level=None, timeout=0)
    writing.execute("BEGIN EXCLUSIVE")

    assert reader.rows(Count, COUNT, {"id": "default"}) == [(0,)]
    writing.execute("ROLLBACK")
    writing.close()


def test_what_fails_is_no_answer_and_the_next_one_is(reader: QuickReader) -> None:
    assert reader.rows(Count, "SELECT nonsense", {}) is None
    assert reader.rows(Count, "DELETE FROM sandboxes", {}) is None
    assert reader.rows(Count, COUNT, {"id": "default"}) == [(0,)]


def test_a_file_that_is_gone_has_no_answers(
    reader: QuickReader, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reader.rows(Count, COUNT, {"id": "default"}) == [(0,)]
    monkeypatch.setattr(platform.ground, "_look_at", 0.0)
    Path(str(platform.engine.url.database)).unlink()

    assert reader.rows(Count, COUNT, {"id": "default"}) is None


def test_it_lets_go_with_its_engine(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/one.db")
    reader = QuickReader(engine)
    assert reader.rows(Count, COUNT, {"id": "x"}) == [(0,)]

    engine.dispose()

    assert reader._connection is None
