"""Entities and rows: stored entities are read back unchanged, in one query per kind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar

from msgspec import Struct, structs
from sqlalchemy import event

from mocklend.domain.statuses import RepaymentStatus
from mocklend.runtime import Platform
from mocklend.storage.entities import Borrower, Loan
from mocklend.storage.schema import metadata
from mocklend.storage.snapshot import SandboxReader, load_all
from mocklend.storage.statements import STATEMENTS
from mocklend.storage.stores import STORES
from mocklend.storage.tables import SMALL, WHERE, Codec, Due, columns_of
from mocklend.storage.values import StatusOverride
from support.story import Story

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(path for source in ("platform", "faults") for path in (ROOT / source).rglob("*.py"))


def test_every_table_is_made_of_the_class_of_its_rows() -> None:
    for kind, store in STORES.items():
        table = metadata.tables[store.table]
        lead = ["sandbox_id"] if store.scoped else []
        assert [column.name for column in table.columns] == [*lead, *store.columns], kind

    declared = [path for path in PACKAGES if re.search(r"\bTable\(\s*\"", path.read_text(encoding="utf-8"))]
    assert declared == []  # sa.Table(name, ...) stands in `table_of` alone, and gets the name of what it is given.


class Parcel(Struct, frozen=True):
    """A row with a field of each form that a column can have."""

    kind: ClassVar[str] = "parcel"
    id: str
    state: RepaymentStatus
    weight: int
    shelf: Annotated[int, SMALL]
    due_ms: Due
    note: str | None
    sizes: tuple[int, ...]
    label: Annotated[bytes | None, Codec(bytes.hex, bytes.fromhex)]


def test_a_column_has_the_type_of_its_field() -> None:
    columns = {column.name: column for column in columns_of(Parcel)}

    forms = {name: (column.sql_type.__name__, column.nullable) for name, column in columns.items()}
    assert forms == {
        "id": ("Text", False),
        "state": ("Text", False),
        "weight": ("BigInteger", False),
        "shelf": ("Integer", False),
        "due_ms": ("BigInteger", True),
        "note": ("Text", True),
        "sizes": ("Text", False),
        "label": ("Text", True),
    }
    coded = {name: column.codec for name, column in columns.items() if column.codec is not None}
    assert set(coded) == {"sizes", "label"}
    assert (coded["sizes"].encode((1, 2)), coded["sizes"].decode("[1,2]")) == ("[1,2]", (1, 2))
    assert (coded["label"].encode(b"!"), coded["label"].decode("21")) == ("21", b"!")


def test_a_table_has_its_sandbox_first_in_its_key_and_in_every_index() -> None:
    trades = metadata.tables["trades"]

    assert [column.name for column in trades.primary_key] == ["sandbox_id", "id"]
    assert {tuple(column.name for column in index.columns) for index in trades.indexes} == {
        ("sandbox_id", "channel_trade_no"),
        ("sandbox_id", "loan_id", "id"),
        ("sandbox_id", "channel", "paid_ms"),
        ("sandbox_id", "due_ms", "id"),
        ("sandbox_id", "return_due_ms", "id"),
    }
    partial = {str(index.name): index.info[WHERE] for index in trades.indexes}
    assert partial["ix_trades_sandbox_id_return_due_ms_id"] == "return_due_ms IS NOT NULL"
    assert partial["ix_trades_sandbox_id_channel_paid_ms"] == "paid_ms IS NOT NULL"


def test_a_stored_entity_is_read_back_unchanged(story: Story) -> None:
    loan_id = story.borrow()
    loan = story.entity(Loan, loan_id)

    borrower = story.entity(Borrower, loan.borrower_id)

    assert borrower == Borrower(loan.borrower_id, "ada", "Ada", 10**12, story.now_ms)
    assert type(loan.principal_minor) is int
    required = {column.name for column in metadata.tables["loans"].columns if not column.nullable} - {"sandbox_id"}
    assert all(getattr(loan, name) is not None for name in required)


def test_a_kind_is_loaded_in_one_query_however_many_are_asked_for(platform: Platform, story: Story) -> None:
    loans = [story.borrow(reference=f"loan-{n}") for n in range(5)]
    ran: list[str] = []

    with platform.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda _c, _cur, sql, *_rest: ran.append(sql))
        keys = [(story.sandbox_id, ("loan", id)) for id in [*loans, loans[0], "loan_missing"]]
        entities = load_all(connection, keys)

    assert len(ran) == 1
    assert entities[(story.sandbox_id, ("loan", "loan_missing"))] is None
    assert {loan.id for loan in entities.values() if isinstance(loan, Loan)} == set(loans)


def test_entities_are_picked_by_a_condition_or_a_column_in_one_query(
    platform: Platform, story: Story, tell: Callable[..., Story]
) -> None:
    first, second, third = sorted(story.borrow(reference=f"loan-{n}") for n in range(3))
    other = tell().borrow()
    ran: list[str] = []

    with platform.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda _c, _cur, sql, *_rest: ran.append(sql))
        reader = SandboxReader(connection, story.sandbox_id)
        after = reader.where(Loan, "id > :first ORDER BY id DESC", first=first)
        named = reader.where_in(Loan, "id", [third, first, other])
        expected = reader.by_id(Loan, [first, second, third])

    assert len(ran) == 3
    assert after == [expected[id] for id in (third, second)]
    assert named == [expected[id] for id in (first, third)]


def test_few_sql_texts_serve_all_numbers_of_ids(platform: Platform) -> None:
    texts: set[str] = set()

    with platform.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda _c, _cur, sql, *_rest: texts.add(sql))
        for size in range(1, 100):
            head = "SELECT id FROM loans WHERE sandbox_id = :sandbox_id AND id"
            assert SandboxReader(connection, "sbx").ids_in(head, [f"loan_{n}" for n in range(size)]) == []

    assert len(texts) == 8  # 1, 2, 4 … 128 places


def test_a_store_reads_one_sandbox_only(tell: Callable[..., Story], platform: Platform) -> None:
    mine, theirs = tell(), tell()
    loan_id = mine.borrow()

    with platform.read() as connection:
        entities = load_all(connection, [(theirs.sandbox_id, ("loan", loan_id)), (mine.sandbox_id, ("loan", loan_id))])

    assert entities[(theirs.sandbox_id, ("loan", loan_id))] is None
    loan = entities[(mine.sandbox_id, ("loan", loan_id))]
    assert isinstance(loan, Loan)
    assert loan.id == loan_id


def test_a_field_that_is_neither_text_nor_number_is_json_in_its_column(story: Story) -> None:
    loan = story.entity(Loan, story.borrow())
    override = StatusOverride("edt_1", "OVERDUE", 5, 7)
    store = STORES["loan"]

    row = store.row_of(structs.replace(loan, status_override=override))

    assert json.loads(str(row["status_override"])) == {
        "edit_id": "edt_1", "status": "OVERDUE", "since_ms": 5, "since_version": 7,
    }  # fmt: skip
    read = store.make([row[name] for name in store.columns])
    assert (read.status_override, read.view_versions) == (override, loan.view_versions)
    assert store.row_of(loan)["status_override"] is None


def test_an_update_sets_the_columns_that_some_row_changes() -> None:
    store = STORES["borrower"]
    ada = Borrower("brw_1", "ada", "Ada", 100, 0)
    bob = Borrower("brw_2", "bob", "Bob", 200, 0)

    update = store.update(
        [
            ("sbx_1", ada, structs.replace(ada, name="Ada B.")),
            ("sbx_1", bob, structs.replace(bob, credit_limit_minor=300)),
        ]
    )

    assert update is not None
    name, rows = update
    expected = "UPDATE borrowers SET name = :name, credit_limit_minor = :credit_limit_minor"
    assert STATEMENTS[name].sql == f"{expected} WHERE sandbox_id = :sandbox_id AND id = :id"
    assert rows == [("Ada B.", 100, "sbx_1", "brw_1"), ("Bob", 300, "sbx_1", "brw_2")]


def test_nothing_is_updated_where_nothing_differs() -> None:
    ada = Borrower("brw_1", "ada", "Ada", 100, 0)

    assert STORES["borrower"].update([("sbx_1", ada, structs.replace(ada, name="Ada"))]) is None
