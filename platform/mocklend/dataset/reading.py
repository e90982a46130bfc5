"""Reads a branch out: the rows of each file, as `columns.py` has them, by loan and then by time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mocklend.channels.statements.day import Heading
from mocklend.channels.statements.record import ready_statement
from mocklend.dataset.branch import FIRST_DAY, Branch
from mocklend.dataset.columns import FILES, KEY, MOMENT
from mocklend.domain.channel import channels
from mocklend.domain.problems import Refused
from mocklend.exports import row_of
from mocklend.sandboxes.ids import money_of, out_trade_no
from mocklend.storage.snapshot import Snapshot

Row = tuple[Any, ...]
CURRENCY = "CNY"
_EPOCH, _MS = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.timedelta(milliseconds=1)


def loans(branch: Branch, snapshot: Snapshot) -> Iterator[Row]:
    """Yield the loans."""
    sql = """SELECT id, reference, borrower_id, product_id, product, principal_minor, currency, start_date, auto_debit
             FROM loans WHERE sandbox_id = :sandbox_id AND id = :id"""
    for story, id in zip(branch.stories, branch.loans, strict=True):
        for loan, reference, borrower, *rest in snapshot.rows(_row, sql, id=id):
            yield (loan, reference, borrower, story.name, *rest)


def statements(branch: Branch, snapshot: Snapshot) -> Iterator[Row]:
    """Yield the rows of each channel's statements of the season, as far as they are ready."""
    for _, channel in sorted(channels().items()):
        for n in range(branch.days):
            day = FIRST_DAY + dt.timedelta(days=n)
            try:
                statement = ready_statement(snapshot, Heading(channel, day, CURRENCY, snapshot.sandbox.zone))
            except Refused:
                continue
            for movement in statement.movements:
                yield (
                    channel.id, day.isoformat(), movement.order_no, _money(movement.order_no),
                    movement.channel_no, movement.at_ms, movement.amount_minor, CURRENCY, movement.purpose,
                    movement.party or None, movement.reference or None,
                )  # fmt: skip


def _money(order_no: str) -> str | None:
    """Return the repayment or receipt of an order number, also of its clawback; None for a payout."""
    return money_of(order_no.removesuffix("-R")) if order_no.startswith(("ML", "PY")) else None


def journal(branch: Branch, snapshot: Snapshot) -> Iterator[Row]:
    """Yield the books: each loan's chain, then those of the channels."""
    sql = """SELECT t.chain, t.seq, p.line, t.id, t.kind, t.effective_date, t.recorded_ms, t.reverses, t.ref,
                    p.debit, p.credit, p.amount_minor, t.currency, t.hash
             FROM transactions t JOIN postings p
               ON p.sandbox_id = t.sandbox_id AND p.chain = t.chain AND p.seq = t.seq
             WHERE t.sandbox_id = :sandbox_id AND t.chain = :of ORDER BY t.seq, p.line"""
    own = snapshot.ids("SELECT id FROM chains WHERE sandbox_id = :sandbox_id ORDER BY id")
    for chain in (*branch.loans, *own):
        yield from _rows(snapshot, sql, chain)


def pages(branch: Branch, snapshot: Snapshot) -> Iterator[Row]:
    """Yield the views as sampled."""
    for id in branch.loans:
        yield from ((id, *sample) for sample in branch.pages.get(id, ()))


def _selected(name: str, **expressions: str) -> str:
    """The columns of a file of entities for a SELECT; an expression stands for the column of its name."""
    (file,) = (file for file in FILES if file.name == name)
    return ", ".join(expressions.get(column, column) for column in file.selected)


_OF_A_LOAN = {
    "webhooks": """SELECT loan_id, id, event, queued_ms, body FROM webhooks
        WHERE sandbox_id = :sandbox_id ORDER BY queued_ms, id""",
    "quotes": """SELECT q.loan_id, q.id, q.type, q.date, q.total_minor, l.currency, q.version, q.valid_until_ms
        FROM quotes q JOIN loans l ON l.sandbox_id = q.sandbox_id AND l.id = q.loan_id
        WHERE q.sandbox_id = :sandbox_id ORDER BY q.version, q.date, q.id""",
    "repayments": f"""SELECT {_selected("repayments")} FROM repayments
        WHERE sandbox_id = :sandbox_id ORDER BY created_ms, id""",
    "payouts": f"""SELECT {_selected("payouts")} FROM payouts
        WHERE sandbox_id = :sandbox_id ORDER BY created_ms, id""",
    "receipts": f"""SELECT {_selected("receipts")} FROM receipts
        WHERE sandbox_id = :sandbox_id ORDER BY paid_ms, id""",
    "edits": f"""SELECT {_selected("edits")} FROM edits
        WHERE sandbox_id = :sandbox_id ORDER BY created_ms, n, id""",
    "disputes": f"""SELECT {_selected("disputes")} FROM disputes
        WHERE sandbox_id = :sandbox_id ORDER BY created_ms, id""",
    "bureau": f"""SELECT {_selected("bureau", published_ms="CASE WHEN published_ms <= :of THEN published_ms END")}
        FROM bureau_records WHERE sandbox_id = :sandbox_id AND submitted_ms <= :of ORDER BY version""",
}
"""Files that are read as stored, by loan; money without a loan comes last."""


def _stored(name: str) -> Callable[[Branch, Snapshot], Iterator[Row]]:
    def read(branch: Branch, snapshot: Snapshot) -> Iterator[Row]:
        position = {id: n for n, id in enumerate(branch.loans)}
        rows = _rows(snapshot, _OF_A_LOAN[name], snapshot.now_ms)
        yield from sorted(rows, key=lambda row: position.get(row[0], len(position)))

    return read


def repayments(branch: Branch, snapshot: Snapshot) -> Iterator[Row]:
    """Yield the orders, each with its number on the statement."""
    for loan, id, _, *rest in _stored("repayments")(branch, snapshot):
        yield (loan, id, out_trade_no(id), *rest)


def _rows(snapshot: Snapshot, sql: str, of: str | int) -> Iterable[Row]:
    return snapshot.rows(_row, sql, **({"of": of} if ":of" in sql else {}))


def _row(*columns: Any) -> Row:
    return columns


READ: Mapping[str, Callable[[Branch, Snapshot], Iterator[Row]]] = {
    "loans": loans,
    "statements": statements,
    "journal": journal,
    "pages": pages,
    "repayments": repayments,
    **{name: _stored(name) for name in ("webhooks", "quotes", "payouts", "receipts", "edits", "disputes", "bureau")},
}
"""The function that reads each of the reconciler's files. The branch's number is put before each row."""

_KEY = next(file for file in FILES if file.folder == KEY)


def key_row(line: bytes) -> Row:
    """Convert a line of the answer key into a row."""
    entry = row_of(json.loads(line))
    return tuple(
        _ms(entry[column.name]) if column.type == MOMENT else entry[column.name] for column in _KEY.columns[1:]
    )


def _ms(moment: dt.datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MS
