"""Every SQL text of the source is bound to one sandbox, whether or not a test happens to run it.

The texts are read from the source: every string that is a statement, with what it is put together from. What is put
together only as it runs is looked at as it runs, in all tests: `conftest.py` has the listener for that.
"""

from __future__ import annotations

import ast
import importlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import event

from mocklend.ledger import listing
from mocklend.runtime import Platform
from mocklend.storage.schema import metadata
from mocklend.storage.snapshot import load_all
from mocklend.storage.statements import STATEMENTS, in_driver_style
from mocklend.storage.stores import STORES
from mocklend_faults.engine import FaultLayer
from support.scoping import SCOPED, SERVER_WIDE, is_sql, names_scoped, unscoped
from support.sql import rows
from support.story import Story

pytestmark = pytest.mark.security

ROOT = Path(__file__).resolve().parents[2]
AS_IT_RUNS = {
    "mocklend.sandboxes.copying": "a text for each table: each is looked at as it runs",
    "mocklend.storage.statements": "another form of an INSERT that is in STATEMENTS",
    "mocklend.storage.snapshot": "a text for each entity: those that read are run here",
    "mocklend.storage.stores": "a text for each entity: they are in STATEMENTS",
}
"""Modules whose texts are made from tables, each with where they are looked at instead."""
TABLES = {"{table}", "{table.name}"}
HOLES = {
    "{asked}": "SELECT :sandbox_id, :loan_id, 1",
    "{c}": "",
    "{columns}": "",
    "{extra}": "''",
    "{filters}": "",
    "{id}": "id",
    "{rank}": "1",
    "{side}": "debit",
    "{what}": "what",
    "{where}": "1 = 1",
    "{which}": "",
    "{_SHOWS.format(row='v', from_ms=from_ms)}": "1 = 1",
    "{_SHOWS.format(row='w', from_ms=from_ms)}": "1 = 1",
}
"""What stands for what only a call knows, where it is no value: no condition more, or a column. A table is each table."""
_SQL = re.compile(r"\b(?:SELECT|FROM|JOIN|WHERE|INSERT|UPDATE|DELETE)\b")
_HOLE = re.compile(r"\{[^{}]*\}")
_BOUND = re.compile(r"(?:\w+\.)?\bsandbox_id = (?::sandbox_id|\w+\.sandbox_id)")
_NAMED_IN_SQL = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:{'|'.join(SCOPED)})\b")


def modules() -> Iterator[tuple[str, ModuleType]]:
    """Every module of the platform and of the faults, with its source."""
    for root in ("platform", "faults"):
        for file in sorted((ROOT / root).rglob("*.py")):
            name = ".".join(file.relative_to(ROOT / root).with_suffix("").parts).removesuffix(".__init__")
            if not name.endswith("__main__"):
                yield file.read_text(encoding="utf-8"), importlib.import_module(name)


def strings(node: ast.AST) -> Iterator[ast.expr]:
    """The strings of a module, each with all that it is added to."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.JoinedStr() | ast.Constant(value=str()) | ast.BinOp(op=ast.Add()):
                yield child
            case _:
                yield from strings(child)


def text_of(node: ast.expr, names: dict[str, object]) -> str:
    """What a string says, with the given names filled in; what a call alone knows stays in braces."""
    match node:
        case ast.Constant():
            return str(node.value)
        case ast.JoinedStr():
            return "".join(text_of(part, names) for part in node.values)
        case ast.BinOp(op=ast.Add()):
            return text_of(node.left, names) + text_of(node.right, names)
        case ast.FormattedValue():
            return text_of(node.value, names)
    source = ast.unparse(node)
    try:
        return str(eval(source, {"__builtins__": {}} | names))
    except NameError:
        return f"{{{source}}}"


@cache
def written() -> tuple[tuple[str, str], ...]:
    """Every string with SQL in it, with its module and line; and the statements that are registered by name."""
    statements = [
        (f"{module.__name__}:{node.lineno}", text_of(node, vars(module)))
        for source, module in modules()
        for node in strings(ast.parse(source))
        if module.__name__ not in AS_IT_RUNS and _SQL.search(text_of(node, {}))
    ]
    return (
        *statements,
        *((name, statement.sql) for name, statement in STATEMENTS.items() if names_scoped(statement.sql)),
    )


def filled(text: str) -> Iterator[str]:
    """A text with its holes filled, once for each table that it can be about."""
    holes = set(_HOLE.findall(text))
    for hole in holes - TABLES:
        text = text.replace(hole, HOLES.get(hole, ":given"))
    for table in SCOPED if holes & TABLES else [""]:
        sql = text
        for hole in holes & TABLES:
            sql = sql.replace(hole, table)
        if not names_scoped(sql):
            continue
        try:
            unscoped(sql)
        except sqlite3.OperationalError as error:
            if holes & TABLES and re.search("no such column|has no column named", str(error)):
                continue  # It is about other tables.
            raise AssertionError(f"not understood, {error}; HOLES may say what stands for a name: {sql}") from error
        yield sql


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Every statement on sandboxes' rows that the source has."""
    return tuple((where, sql) for where, text in written() if is_sql(text) for sql in filled(text))


def test_every_text_is_bound_to_one_sandbox() -> None:
    loose = [(where, sql, steps) for where, sql in texts() if (steps := unscoped(sql))]

    assert loose == []
    assert {sql for _, sql in texts()} >= SERVER_WIDE.keys(), "a reason without a text"


def test_every_table_with_sandboxes_rows_is_in_some_text() -> None:
    """Else the texts are not found where they are."""
    everything = "\n".join(sql for _, sql in texts())

    assert [table for table in SCOPED if not re.search(rf"\b{table}\b", everything)] == []
    assert len(texts()) > 150


def test_a_text_without_one_of_its_conditions_is_detected() -> None:
    planted = [
        (where, sql[: bound.start()] + "1 = 1" + sql[bound.end() :])
        for where, sql in texts()
        for bound in _BOUND.finditer(sql)
    ]

    assert len(planted) > 200
    assert [plant for plant in planted if not unscoped(plant[1])] == []


def test_every_part_of_a_statement_is_in_a_checked_statement() -> None:
    whole = "\n".join(sql for _, sql in texts())

    parts = [(where, text) for where, text in written() if not is_sql(text) and _NAMED_IN_SQL.search(text)]

    assert [where for where, text in parts if text not in whole] == []


def test_every_entity_is_loaded_from_one_sandbox(open_platform: Callable[..., Platform]) -> None:
    platform: Platform = open_platform(FaultLayer())
    ran: list[str] = []
    scoped = {kind: store for kind, store in STORES.items() if store.scoped}

    with platform.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: ran.append(given[2]))
        for kind in scoped:
            load_all(connection, [("sbx_1", (kind, "id_1"))])

    assert {store.table for store in scoped.values()} <= set(re.findall(r"FROM (\w+)", "\n".join(ran)))
    assert [sql for sql in ran if unscoped(sql)] == []


def test_statements_that_the_platform_runs_in_a_test_are_checked(
    story: Story, walls_between_sandboxes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loan_id = story.borrow()
    loose = "SELECT debit, credit, amount_minor FROM postings WHERE seq = :seq AND chain = :chain OR :sandbox_id = ''"
    monkeypatch.setattr(listing, "_POSTINGS", loose)

    with story.platform.read() as connection:
        # A test may look wherever it likes.
        rows(connection, lambda *row: row, loose, chain=loan_id, seq=1, sandbox_id=story.sandbox_id)
    assert walls_between_sandboxes == []

    story.journal(loan_id)
    ran = in_driver_style(loose, story.platform.engine.dialect.paramstyle)
    assert walls_between_sandboxes[0].startswith(f"{ran}: SCAN postings")
    walls_between_sandboxes.clear()


def test_a_row_cannot_be_inserted_without_its_sandbox() -> None:
    columns = [metadata.tables[table].columns["sandbox_id"] for table in SCOPED]

    assert [str(column) for column in columns if column.nullable or column.default or column.server_default] == []
    for table in SCOPED:
        assert all(index.columns[0].name == "sandbox_id" for index in metadata.tables[table].indexes)


@pytest.mark.parametrize(
    ("sql", "loose"),
    [
        ("SELECT id FROM loans WHERE sandbox_id = :sandbox_id", False),
        ("SELECT id FROM loans WHERE sandbox_id = %(sandbox_id)s ORDER BY id FOR UPDATE", False),
        ('SELECT id FROM loans WHERE sandbox_id = %(sandbox_id)s ORDER BY id COLLATE "C"', False),
        ("SELECT id FROM loans WHERE id > :after", True),
        ("SELECT id FROM loans WHERE sandbox_id >= :sandbox_id", True),
        ("SELECT id FROM loans WHERE sandbox_id = :sandbox_id AND status = 'CLEAR' OR id = :id", True),
        ("SELECT 1 FROM loans l JOIN edits e ON e.loan_id = l.id WHERE l.sandbox_id = ?", True),
        ("SELECT 1 FROM loans l JOIN edits e ON e.loan_id = l.id WHERE l.sandbox_id = ? AND l.sandbox_id = ?", True),
        ("SELECT 1 FROM loans l JOIN edits e ON e.sandbox_id = l.sandbox_id WHERE l.id = ?", True),
        ("SELECT 1 FROM loans l JOIN edits e ON e.sandbox_id = l.sandbox_id WHERE l.sandbox_id = ?", False),
        ("SELECT 1 FROM loans, edits WHERE loans.sandbox_id = ?", True),
        ("SELECT 1 FROM loans l LEFT JOIN edits e ON e.loan_id = l.id AND l.sandbox_id = ?", True),
        ("SELECT 1 FROM loans WHERE sandbox_id = ? AND id IN (SELECT loan_id FROM edits)", True),
        ("SELECT d.id FROM (SELECT id FROM loans WHERE sandbox_id = ? LIMIT 5) d", False),
        ("SELECT d.id FROM (SELECT id FROM loans LIMIT 5) d", True),
        ("INSERT INTO loans (sandbox_id, id) VALUES (?, ?)", False),
        ("INSERT INTO chains (sandbox_id, id, next_seq, head_hash) SELECT ?, id, 1, '' FROM loans", True),
        ("UPDATE loans SET status = ? WHERE id = ?", True),
        ("UPDATE loans SET status = ? WHERE sandbox_id = ? AND id = ?", False),
        ("DELETE FROM loans WHERE id = ?", True),
        ("SELECT ms FROM real_time", False),
        ("SELECT id FROM sandboxes", False),
        ("CREATE TRIGGER one BEFORE UPDATE ON loans BEGIN SELECT 1; END", False),
    ],
)
def test_a_statement_without_a_sandbox_is_distinguished_from_one_with_it(sql: str, loose: bool) -> None:
    assert bool(unscoped(sql)) == loose
