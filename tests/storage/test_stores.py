"""Entities and rows: what is put is what is got, in as many queries as there are kinds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import ClassVar

import pytest
from msgspec import Struct, structs
from sqlalchemy import event

from mocklend.runtime import Platform
from mocklend.storage import schema
from mocklend.storage.entities import Borrower, Loan, StatusOverride
from mocklend.storage.stores import STORES, entities, entities_in, entity, load_all, select_in
from support.story import Story


def test_every_entity_has_a_field_for_every_column() -> None:
    for kind, store in STORES.items():
        table = schema.metadata.tables[store.table]
        assert {column.name for column in table.columns} - {"sandbox_id"} == set(store.columns), kind


def test_an_entity_that_is_not_its_table_is_refused_at_once() -> None:
    class Shorter(Struct, frozen=True):
        kind: ClassVar[str] = "shorter"
        id: str

    with pytest.raises(AssertionError, match="Shorter and borrowers differ"):
        entity(schema.borrowers)(Shorter)


def test_what_is_put_is_what_is_got(story: Story) -> None:
    loan_id = story.borrow()
    loan = story.entity("loan", loan_id)

    borrower = story.entity("borrower", loan.borrower_id)

    assert borrower == Borrower(loan.borrower_id, "ada", "Ada", 10**12, story.now_ms)
    assert type(loan.principal_minor) is int
    required = {column.name for column in schema.loans.columns if not column.nullable} - {"sandbox_id"}
    assert all(getattr(loan, name) is not None for name in required)


def test_a_kind_is_loaded_in_one_query_however_many_are_asked_for(lender: Platform, story: Story) -> None:
    loans = [story.borrow(reference=f"loan-{n}") for n in range(5)]
    ran: list[str] = []

    with lender.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda _c, _cur, sql, *_rest: ran.append(sql))
        wanted = [(story.sandbox_id, ("loan", id)) for id in [*loans, loans[0], "loan_missing"]]
        found = load_all(connection, wanted)

    assert len(ran) == 1
    assert found[(story.sandbox_id, ("loan", "loan_missing"))] is None
    assert {loan.id for loan in found.values() if loan is not None} == set(loans)


def test_entities_are_picked_by_a_condition_or_a_column_in_one_query(
    lender: Platform, story: Story, tell: Callable[..., Story]
) -> None:
    first, second, third = sorted(story.borrow(reference=f"loan-{n}") for n in range(3))
    other = tell().borrow()
    ran: list[str] = []

    with lender.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda _c, _cur, sql, *_rest: ran.append(sql))
        after = entities(connection, Loan, story.sandbox_id, "id > :first ORDER BY id DESC", {"first": first})
        named = entities_in(connection, Loan, story.sandbox_id, "id", [third, first, other])
        expected = load_all(connection, [(story.sandbox_id, ("loan", id)) for id in (first, second, third)])

    assert len(ran) == 3
    assert after == [expected[(story.sandbox_id, ("loan", id))] for id in (third, second)]
    assert named == [expected[(story.sandbox_id, ("loan", id))] for id in (first, third)]


def test_few_texts_serve_all_sizes(lender: Platform) -> None:
    texts: set[str] = set()

    with lender.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda _c, _cur, sql, *_rest: texts.add(sql))
        for size in range(1, 100):
            found = select_in(connection, "SELECT id FROM sandboxes WHERE id", [f"s{n}" for n in range(size)], {})
            assert list(found) == []

    assert len(texts) == 8  # 1, 2, 4 … 128 places


def test_one_sandbox_never_sees_another(tell: Callable[..., Story], lender: Platform) -> None:
    mine, theirs = tell(), tell()
    loan_id = mine.borrow()

    with lender.read() as connection:
        found = load_all(connection, [(theirs.sandbox_id, ("loan", loan_id)), (mine.sandbox_id, ("loan", loan_id))])

    assert found[(theirs.sandbox_id, ("loan", loan_id))] is None
    assert found[(mine.sandbox_id, ("loan", loan_id))].id == loan_id


def test_a_field_that_is_neither_text_nor_number_is_json_in_its_column(story: Story) -> None:
    loan = story.entity("loan", story.borrow())
    override = StatusOverride("edt_1", "OVERDUE", 5, 7)
    store = STORES["loan"]

    row = store.row_of(structs.replace(loan, status_override=override))

    assert json.loads(row["status_override"]) == {
        "edit_id": "edt_1", "status": "OVERDUE", "since_ms": 5, "since_version": 7,
    }  # fmt: skip
    read = store.make([row[name] for name in store.columns])
    assert (read.status_override, read.view_versions) == (override, loan.view_versions)
    assert store.row_of(loan)["status_override"] is None
