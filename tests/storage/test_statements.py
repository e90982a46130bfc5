"""Named statements: grouped by name, run in order of rank, one `executemany` each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event

from mocklend.storage import statements
from mocklend.storage.statements import (
    LAYER,
    STATEMENTS,
    Row,
    Value,
    by_place,
    flush,
    from_json,
    in_driver_style,
    statement,
)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str, str]:
    """Four statements on one table, that nobody else gets to see."""
    monkeypatch.setattr(statements, "STATEMENTS", {})
    for name, rank in (("late", 40), ("early", 10), ("layer_a", LAYER), ("layer_b", LAYER + 1)):
        statement(name, f"INSERT INTO told (who, n) VALUES ('{name}', :n)", rank=rank)
    return "late", "early", "layer_a", "layer_b"


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as sample:
        sample.exec_driver_sql("CREATE TABLE told (at INTEGER PRIMARY KEY, who TEXT, n INTEGER)")
        yield sample
    engine.dispose()


def stored_rows(connection: Connection) -> list[tuple[Value, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql("SELECT who, n FROM told ORDER BY at")]


def test_a_flush_runs_each_name_once_in_order_of_rank(names: tuple[str, ...], connection: Connection) -> None:
    ran: list[tuple[str, bool]] = []

    @event.listens_for(connection, "before_cursor_execute")
    def listen(_c: Any, _cursor: Any, sql: str, _p: Any, _context: Any, executemany: bool) -> None:
        if sql.startswith("INSERT"):
            ran.append((sql.split("'")[1], executemany))

    flush(connection, [("late", {"n": 1}), ("early", {"n": 2}), ("late", {"n": 3}), ("early", {"n": 4})])

    assert ran == [("early", True), ("late", True)]
    assert stored_rows(connection) == [("early", 2), ("early", 4), ("late", 1), ("late", 3)]


def test_what_a_layer_writes_keeps_its_order(names: tuple[str, ...], connection: Connection) -> None:
    writes = [("layer_b", 1), ("layer_a", 2), ("layer_a", 3), ("late", 4), ("layer_b", 5)]

    flush(connection, [(name, {"n": n}) for name, n in writes])

    assert stored_rows(connection) == [("late", 4), ("layer_b", 1), ("layer_a", 2), ("layer_a", 3), ("layer_b", 5)]


def test_an_insert_of_plain_values_has_a_form_for_one_document() -> None:
    insert = from_json("INSERT INTO loan_views (loan_id, version, due_ms)\n    VALUES (:loan_id, :version, :due_ms)")

    assert insert is not None
    assert insert.sql == (
        "INSERT INTO loan_views (loan_id, version, due_ms) SELECT loan_id, version, due_ms "
        "FROM json_to_recordset(%s::json) AS new (loan_id TEXT, version BIGINT, due_ms BIGINT)"
    )
    rows: list[Row] = [("loan_\u00e9", 1, None), ('"', 2**62, 3)]
    assert json.loads(insert.document(rows)) == [
        {"loan_id": "loan_\u00e9", "version": 1, "due_ms": None},
        {"loan_id": '"', "version": 2**62, "due_ms": 3},
    ]


def test_most_inserts_have_that_form_and_nothing_else_has() -> None:
    inserts = [each for each in STATEMENTS.values() if from_json(each.sql) is not None]

    assert {"loans.insert", "transactions.insert", "idempotency.insert"} <= {each.name for each in inserts}
    assert all(each.sql.startswith("INSERT") for each in inserts)
    assert from_json("INSERT INTO loans (id, status) VALUES (:status, :id)") is None
    assert from_json("INSERT INTO loans (id, status) VALUES (:id, 'USING')") is None
    assert from_json("UPDATE loans SET status = :status WHERE id = :id") is None


def test_a_name_is_registered_for_one_statement(names: tuple[str, ...]) -> None:
    statement("early", "INSERT INTO told (who, n) VALUES ('early', :n)", rank=10)

    with pytest.raises(AssertionError, match="two statements are named 'early'"):
        statement("early", "DELETE FROM told", rank=10)


def test_a_driver_gets_parameters_in_its_own_style() -> None:
    sql = "SELECT a::text FROM t WHERE b = :b AND c_1 = :c_1 AND d LIKE 'e.%'"

    assert in_driver_style(sql, "qmark") == sql
    assert (
        in_driver_style(sql, "pyformat") == "SELECT a::text FROM t WHERE b = %(b)s AND c_1 = %(c_1)s AND d LIKE 'e.%%'"
    )
    assert by_place(sql, "qmark") == "SELECT a::text FROM t WHERE b = ? AND c_1 = ? AND d LIKE 'e.%'"
    assert by_place(sql, "pyformat") == "SELECT a::text FROM t WHERE b = %s AND c_1 = %s AND d LIKE 'e.%%'"


def test_values_are_bound_by_place_in_the_order_of_the_text(names: tuple[str, ...], connection: Connection) -> None:
    statement("twice", "INSERT INTO told (n, who) VALUES (:n + :n, :who)", rank=10)

    flush(connection, [("twice", {"who": "by name", "n": 2})], {"twice": [(3, 4, "by place")]})

    assert stored_rows(connection) == [("by place", 7), ("by name", 4)]
