"""The files of a data set and their columns: one table, from which headers, types and the README are made.

A file whose rows are entities selects fields of their document, which has the description, the type and the column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

from msgspec import Struct

from mocklend.bureau.reports import RecordDoc
from mocklend.channels.payments import ReceiptDoc
from mocklend.channels.payouts import PayoutDoc
from mocklend.documents import Field, fields_of
from mocklend.lending.repay import RepaymentDoc
from mocklend.servicing.disputes import DisputeDoc
from mocklend.servicing.operations import EditDoc
from mocklend.storage.entities import BureauRecord, Dispute, OperatorEdit, Payout, Receipt, Repayment

RECONCILER, KEY = "reconciler", "key"
TEXT, WHOLE, MOMENT, DAY = "text", "whole", "moment", "day"
TYPES = {
    TEXT: "a text; where it is nested it is JSON",
    WHOLE: "a whole number; money is in minor units",
    MOMENT: "a time in UTC; in Parquet a timestamp of milliseconds",
    DAY: "a business date of the platform",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, one of `TYPES`, and its description. An empty field is null."""

    name: str
    type: str
    doc: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of the data set, in `folder`, without the suffix of its format."""

    folder: str
    name: str
    doc: str
    columns: tuple[Column, ...]
    selected: tuple[str, ...] = ()
    """For a file of entities: the columns of its table, without the branch."""

    @property
    def path(self) -> str:
        """Its path in the data set, without the suffix."""
        return f"{self.folder}/{self.name}"


def _file(folder: str, name: str, doc: str, *columns: tuple[str, str, str]) -> File:
    branch = ("branch", WHOLE, "the branch: each has its own books and its own accounts at the channels")
    return File(folder, name, doc, tuple(Column(*column) for column in (branch, *columns)))


def _entities(
    name: str,
    doc: str,
    entity: type[Struct],
    document: type[Mapping[str, object]],
    *picked: str | tuple[str, str],
) -> File:
    """A file of entities, one per row: fields of their document, some renamed: `("receipt_id", "id")`."""
    names = dict(column if isinstance(column, tuple) else (column, column) for column in picked)
    fields = {field.name: field for field in fields_of(entity, document, names.values())}
    columns = {column: fields[field] for column, field in names.items()}
    described = [(column, _type(field), field.description) for column, field in columns.items()]
    file = _file(RECONCILER, name, doc, *described)
    return replace(file, selected=tuple(field.column for field in columns.values()))


def _type(field: Field) -> str:
    if field.column.endswith("_ms"):
        return MOMENT
    if field.is_date:
        return DAY
    return WHOLE if field.kind is int or int in get_args(field.kind) else TEXT


_LOAN = ("loan_id", TEXT, "the loan")
_CURRENCY = ("currency", TEXT, "its ISO code")

FILES: tuple[File, ...] = (
    _file(
        RECONCILER, "loans", "what was lent, one row per loan",
        _LOAN,
        ("reference", TEXT, "the client's own reference of the loan"),
        ("borrower_id", TEXT, "the borrower"),
        ("borrower_name", TEXT, "the borrower's name, as payers type it"),
        ("product_id", TEXT, "the product's name"),
        ("product", TEXT, "all of its terms"),
        ("principal_minor", WHOLE, "what was lent"),
        _CURRENCY,
        ("start_date", DAY, "when it was paid out"),
        ("auto_debit", WHOLE, "1 if what is due is debited on the due date"),
    ),
    _file(
        RECONCILER, "statements", "the channels' daily statements, one row per movement, by channel and day",
        ("channel", TEXT, "the channel that moved the money"),
        ("date", DAY, "the statement's day, by the channel's own cut-off"),
        ("order_no", TEXT, "the order number: ML… an order, PY… a push payment, out_… a payout"),
        ("money_id", TEXT, "the repayment or receipt that the order is of; empty for a payout"),
        ("channel_no", TEXT, "the channel's own number"),
        ("at", MOMENT, "when the money moved, to the second"),
        ("amount_minor", WHOLE, "positive if the platform received it, negative if it paid it"),
        _CURRENCY,
        ("purpose", TEXT, "repayment, disbursement, refund or compensation"),
        ("party", TEXT, "the payer's name, where the channel knows it"),
        ("reference", TEXT, "what the payer typed; of a payout, the loan"),
    ),
    _file(
        RECONCILER, "journal", "the books, one row per posting, by chain and number; the channels' chains last",
        ("chain", TEXT, "the loan, or channel:<id> for money without one"),
        ("seq", WHOLE, "the transaction's number in its chain"),
        ("line", WHOLE, "the posting's number in its transaction"),
        ("transaction_id", TEXT, "the transaction"),
        ("kind", TEXT, "what was booked"),
        ("effective_date", DAY, "from when it counts"),
        ("recorded_at", MOMENT, "when it was booked"),
        ("reverses", WHOLE, "the seq of the transaction that it reverses"),
        ("ref", TEXT, "what was booked: a repayment, a receipt, an edit, …"),
        ("debit", TEXT, "the account that is debited"),
        ("credit", TEXT, "the account that is credited"),
        ("amount_minor", WHOLE, "the amount"),
        _CURRENCY,
        ("hash", TEXT, "the hash of this transaction and the one before it"),
    ),
    _file(
        RECONCILER, "pages", "what the views showed of each loan, every 7 days; every 30 days in a long season",
        _LOAN,
        ("sampled_at", MOMENT, "when it was sampled"),
        ("view", TEXT, "page, its second replica, list, or instalments, which show no balance"),
        ("version", WHOLE, "which version of the loan is shown"),
        ("as_of", MOMENT, "when that version was made"),
        ("status", TEXT, "the status shown"),
        ("outstanding_minor", WHOLE, "what is owed, as this view shows it"),
        ("outstanding_principal_minor", WHOLE, "of that, principal"),
        ("overdue_minor", WHOLE, "of that, overdue"),
        ("overpaid_minor", WHOLE, "what was overpaid"),
        ("paid_minor", WHOLE, "what was paid in all"),
    ),
    _file(
        RECONCILER, "webhooks", "the webhooks to the client, one row per event, as queued",
        _LOAN,
        ("webhook_id", TEXT, "the message"),
        ("event", TEXT, "the event type"),
        ("queued_at", MOMENT, "when it happened"),
        ("body", TEXT, "the message's JSON"),
    ),
    _file(
        RECONCILER, "quotes", "quotes as answered to borrowers, one row per quote",
        _LOAN,
        ("quote_id", TEXT, "the quote"),
        ("type", TEXT, "CLEAR, or OVD_AND_CURRENT"),
        ("date", DAY, "the day that it is for"),
        ("total_minor", WHOLE, "the amount of the quote"),
        _CURRENCY,
        ("version", WHOLE, "the version of the loan that it was computed from"),
        ("valid_until", MOMENT, "until when it is valid"),
    ),
    _entities(
        "repayments", "orders at the channels, one row per order, as they are at the end",
        Repayment, RepaymentDoc, "loan_id", ("repayment_id", "id"), "out_trade_no", "channel",
        "channel_trade_no", "type", "status", "amount_minor", "applied_minor", "overpaid_minor", "currency",
        "quote_id", "idempotency_key", "created_at", "paid_at", "applied_at",
    ),
    _entities(
        "payouts", "payouts, one row per payout, as they are at the end",
        Payout, PayoutDoc, "loan_id", ("payout_id", "id"), "purpose", "channel", "state", "amount_minor",
        "currency", "created_at", "paid_at",
    ),
    _entities(
        "receipts", "money that came without an order, one row per receipt, as it is at the end",
        Receipt, ReceiptDoc, "loan_id", ("receipt_id", "id"), "state", "out_trade_no", "channel", "channel_trade_no",
        "amount_minor", "currency", "type", "payer_name", "payer_reference", "paid_at", "received_at", "applied_at",
    ),
    _entities(
        "edits", "what staff changed on a bill, one row per edit, as it is at the end",
        OperatorEdit, EditDoc, "loan_id", ("edit_id", "id"), "kind", "amount_minor", "status", "memo",
        "operator", "state", "created_at",
    ),
    _entities(
        "disputes", "what borrowers disputed, one row per dispute, as it is at the end",
        Dispute, DisputeDoc, "loan_id", ("dispute_id", "id"), "claim", "state", "compensation_minor",
        "compensation_id", "created_at", ("answer_by", "due_at"), "taken_up_at",
    ),
    _entities(
        "bureau", "what was reported to the credit bureau of each loan, a row a record; published_at is empty before",
        BureauRecord, RecordDoc, "loan_id", ("record_id", "id"), "version", "cause", "as_of", "status",
        "days_overdue", "balance_minor", "overdue_minor", "submitted_at", "published_at",
    ),
    _file(
        KEY, "answer_key", "every injection, one per row; answer_key.jsonl is the same as JSON",
        ("injection", TEXT, "the injection"),
        ("rule", TEXT, "the rule that injected it"),
        ("fault", TEXT, "the kind of fault"),
        ("seam", TEXT, "the seam at which it acted"),
        ("entity", TEXT, "the entity that it acted on"),
        ("loan_id", TEXT, "the loan, if one is known"),
        ("effect", TEXT, "its effect"),
        _CURRENCY,
        ("status", TEXT, "at the end: active, pending, healed, superseded or masked"),
        ("status_reason", TEXT, "what ended it"),
        ("occurrence", WHOLE, "the sequence number of the event within the entity, at that seam"),
        ("amount_minor", WHOLE, "what is at stake"),
        ("at", MOMENT, "when it was injected"),
        ("visible_from", MOMENT, "when it became visible"),
        ("visible_until", MOMENT, "until when it was visible"),
        ("ended_at", MOMENT, "when it ended"),
        ("truth_before", TEXT, "what was true before"),
        ("truth_after", TEXT, "what is true after"),
        ("served", TEXT, "what was served instead"),
        ("expected_class", TEXT, "the class of finding to report"),
        ("expected_entity", TEXT, "the entity to report"),
        ("expected_amount_minor", WHOLE, "the amount to report"),
        ("expected_severity", TEXT, "the severity, if the rule has one"),
    ),
)  # fmt: skip
"""Every file, in the order in which they are written."""
