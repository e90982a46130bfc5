"""The reader of one statement answers in time or not at all, and finds its way back to a server that comes again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from mocklend.storage import statement_reader
from mocklend.storage.engines import open_engine
from mocklend.storage.statement_reader import PAIRS, StatementReader, text_array

Open = Callable[..., StatementReader]


@pytest.fixture(scope="module")
def engine(postgresql: str) -> Iterator[Engine]:
    engine = open_engine(postgresql)
    yield engine
    engine.dispose()


@pytest.fixture(params=[True, False], ids=["session", "pooler"])
def opened(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Open]:
    """Open a reader: with a session of its own, or as behind a pooler, where a statement cannot be prepared."""
    readers: list[StatementReader] = []

    def open_one(sql: str, within_s: float = 30) -> StatementReader:
        reader = StatementReader(engine, sql, within_s=within_s)
        assert reader.open()
        reader._prepares = request.param
        readers.append(reader)
        return reader

    yield open_one
    for reader in readers:
        reader.close()


def test_rows_are_read_as_postgresql_writes_them(opened: Open) -> None:
    reader = opened("SELECT $1::int + 1, $2::text, NULL UNION ALL SELECT 0, 'ü', 'x' ORDER BY 1 DESC")

    rows = [reader.rows(b"41", "张".encode()) for _ in range(2)]

    assert rows == [[(b"42", "张".encode(), None), (b"0", "ü".encode(), b"x")]] * 2


def test_a_statement_that_fails_has_no_rows_and_the_next_one_has(opened: Open) -> None:
    reader = opened("SELECT 10 / $1::int")

    assert [reader.rows(b"0"), reader.rows(b"x"), reader.rows(b"5")] == [None, None, [(b"2",)]]


def test_a_statement_that_takes_too_long_is_left(opened: Open) -> None:
    reader = opened("SELECT $1::int FROM pg_sleep($1::int)", within_s=0.1)

    assert reader.rows(b"30") is None
    assert reader.open()


def test_a_connection_that_the_server_ended_is_opened_again(opened: Open, postgresql: str) -> None:
    reader = opened("SELECT pg_backend_pid()")
    [(pid,)] = reader.rows() or []
    plain = postgresql.replace("+psycopg", "")
    with closing(psycopg.connect(plain, autocommit=True)) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [int(pid or 0)])

    assert reader.rows() is None
    [(again,)] = reader.rows() or []
    assert again not in (None, pid)


def test_a_server_that_cannot_be_reached_has_no_rows(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> None:
        raise OSError("no route")

    monkeypatch.setattr(engine, "raw_connection", refuses)
    reader = StatementReader(engine, "SELECT 1", within_s=30)

    assert (reader.open(), reader.rows()) == (False, None)


def test_failures_are_logged_now_and_then(
    opened: Open, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = opened("SELECT 10 / $1::int")
    for _ in range(3):
        reader.rows(b"0")
    assert capsys.readouterr().err.count("division by zero") == 1

    monkeypatch.setattr(statement_reader, "LOG_AGAIN_S", 0.0)
    reader._log_at = 0.0
    for _ in range(2):
        reader.rows(b"0")
    assert capsys.readouterr().err.count("division by zero") == 2


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=1, max_size=5))
def test_an_array_has_the_texts_that_it_is_made_of(engine: Engine, texts: list[str]) -> None:
    reader = StatementReader(engine, PAIRS, within_s=30)
    with closing(reader):
        rows = reader.rows(text_array(texts), text_array(texts))

    assert rows == [(text.encode(), text.encode(), b"%d" % n) for n, text in enumerate(texts, 1)]
