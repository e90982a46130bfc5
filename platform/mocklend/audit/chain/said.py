"""What each view says of a loan, without what is true: the rows of the chain before they are marked."""

from __future__ import annotations

from dataclasses import replace

from mocklend.audit.chain.bureau_rows import bureau_rows
from mocklend.audit.chain.docs import SaidDoc, View
from mocklend.audit.chain.rows import DAMAGED, READY, Row, rows_above, rows_shown, statement_row
from mocklend.audit.chain.subject import Subject, files_of, subject_of
from mocklend.domain.facts import booked
from mocklend.sandboxes.ids import receipt_behind
from mocklend.sandboxes.timestamps import maybe_rfc3339
from mocklend.storage.snapshot import Snapshot


def said_of(snapshot: Snapshot, loan_id: str) -> list[SaidDoc]:
    """What each view says of a loan, in the order of the chain, for those who may not know what is true.

    It has only money that the platform itself connects with the loan: which money belongs to it is what they are to
    find out. Whether a statement is damaged they see in the file. Raises Refused `loan_unknown`.
    """
    subject = _without_truth(subject_of(snapshot, loan_id))
    said = [said_doc(row) for row in rows_of(subject) if row.view != View.WORLD]
    for each in said:
        if each["status"] == DAMAGED:
            each["status"] = READY
    return said


def _without_truth(subject: Subject) -> Subject:
    known = {receipt_behind(booked(fact.id)) for fact in subject.books} | {order.id for order in subject.orders}
    trades = [trade for trade in subject.trades if trade.repayment_id in known]
    return replace(
        subject,
        trades=trades,
        receipts=[receipt for receipt in subject.receipts if receipt.id in known],
        files=files_of(subject.snapshot, trades, subject.payouts),
    )


def rows_of(subject: Subject) -> list[Row]:
    """The rows of a loan before they are marked, in the order of the chain."""
    rows = [*rows_above(subject), *rows_shown(subject), *bureau_rows(subject)]
    return rows + [statement_row(file, subject.snapshot.now_ms) for file in subject.files]


def said_doc(row: Row) -> SaidDoc:
    """What a row says, without how it compares."""
    return SaidDoc(
        view=row.view,
        id=row.id,
        about=row.about,
        source=row.source,
        status=row.status,
        status_before=row.status_before,
        outstanding_minor=row.outstanding_minor,
        overdue_minor=row.overdue_minor,
        paid_minor=row.paid_minor,
        version=row.version,
        as_of=maybe_rfc3339(row.as_of_ms),
        request=row.request,
    )
