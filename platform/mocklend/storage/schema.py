"""The tables: those of the entities, and here those of all other rows.

WORLD (`world_facts`, `trades`), BOOKS (`transactions`, `postings`, `book_facts`, `loans`) and VIEWS (`loan_views`) are
apart. What is appended is guarded by triggers in `engines.py`: no update, and no delete while the sandbox lives.
Times are milliseconds UTC, money is minor units, dates are ISO text.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Struct

from mocklend.storage import entities
from mocklend.storage.tables import SMALL, Check, Due, References, Unique, metadata, table_of

__all__ = ["entities", "metadata"]


class SandboxUse(Struct, frozen=True):
    """When a sandbox was last used. Apart from its row: this is written while nobody decides anything."""

    used_ms: int  # real time, to the minute, at which a request was last made in it


class RealTime(Struct, frozen=True):
    """The latest real time that a process on this database has shown."""

    id: Annotated[int, SMALL]
    ms: int


class AnswerRow(Struct, frozen=True):
    """What was answered to the request with an Idempotency-Key."""

    key: str
    fingerprint: str
    status: Annotated[int, SMALL]
    body: str
    created_ms: int


class TransactionRow(Struct, frozen=True):
    """A transaction of the journal."""

    chain: str  # the loan, or the channel where there is no loan
    seq: int
    id: str
    kind: str
    effective_date: str
    recorded_ms: int
    reverses: int | None
    ref: str
    period_from: str | None
    period_to: str | None
    currency: str
    prev_hash: str
    hash: str


class PostingRow(Struct, frozen=True):
    """An amount that moves from one account to another: an unbalanced transaction cannot even be written down."""

    chain: str
    seq: int
    line: int
    debit: str
    credit: str
    amount_minor: int


class FactRow(Struct, frozen=True):
    """A fact. WORLD and BOOKS hold facts of one shape: one `replay` reads both.

    Money whose payer named no loan is in the world under no loan (""), and under one once somebody knows better.
    """

    loan_id: str
    id: str
    kind: str
    at_ms: int
    effective_date: str
    amount_minor: int
    channel: str | None
    scope: str | None
    edit_kind: str | None
    status: str | None
    reverses: str | None
    due_date: str | None
    landed: int  # 1 if the money was booked as unapplied before
    recorded_ms: int
    version: int  # of the loan, from when on the books have it; 0 in the world


class LoanView(Struct, frozen=True):
    """A version of a loan's page, and from when on each view shows it."""

    loan_id: str
    version: int
    made_ms: int
    visible_ms: int  # on the page; the next three have their own moments
    list_ms: int
    instalments_ms: int
    replica_ms: int
    back_ms: int  # from here until `again_ms` what is older is seen again
    again_ms: int
    due_ms: Due  # when nothing older is seen any more: set until then
    status: str
    borrower_id: str
    doc: str
    state: str


table_of("sandbox_uses", SandboxUse, key=())
table_of("real_time", RealTime, scoped=False)
table_of("idempotency", AnswerRow, key=("key",))
table_of("transactions", TransactionRow, Unique("id"), Unique("chain", "reverses"), key=("chain", "seq"))
table_of(
    "postings",
    PostingRow,
    References("transactions", "chain", "seq"),
    Check("amount_positive", "amount_minor > 0"),
    Check("two_accounts", "debit <> credit"),
    key=("chain", "seq", "line"),
)
table_of("world_facts", FactRow, key=("loan_id", "id"))
table_of("book_facts", FactRow, Unique("id"), key=("loan_id", "id"))
table_of("loan_views", LoanView, key=("loan_id", "version"))
