"""The tables: those of `entities`, and the others, which are declared here.

WORLD (`world_facts`, `trades`), BOOKS (`transactions`, `postings`, `book_facts`, `loans`) and VIEWS (`loan_views`) are
separate. Triggers in `ddl.py` guard append-only tables: no update, and no delete while the sandbox exists.
Times are milliseconds UTC, money is minor units, dates are ISO text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Struct

from mocklend.seams.view_refresh import NEVER_MS
from mocklend.storage import entities
from mocklend.storage.parts import SchemaPart, register_part
from mocklend.storage.tables import SMALL, Check, Due, Index, References, Unique, metadata, table_of

__all__ = ["entities", "metadata"]

RECEIPT_PREFIX = "rct_"
"""The ids of receipts begin with it; those of their callbacks, bookings and returns contain it."""

OF_RECEIPTS = f"REPLACE(id, '{RECEIPT_PREFIX}', '') <> id"
"""SQL: a row is of a receipt, by its id. LIKE would depend on settings of SQLite, so its indexes have no part in it."""


class SandboxUse(Struct, frozen=True):
    """When a sandbox was last used. Not in its row, since it is written outside of commands."""

    used_ms: int  # real time, to the minute, at which a request was last made in it


class EmptyingRow(Struct, frozen=True):
    """A sandbox that is being emptied: see `sandboxes.emptying`. Meanwhile it has no row in `sandboxes`."""

    id: str
    key_hash: str
    after_reset: str | None  # JSON: its row once it is empty; None if it is deleted


class RealTime(Struct, frozen=True):
    """The latest real time that a process on this database has used."""

    id: Annotated[int, SMALL]
    ms: int


class ProcessRow(Struct, frozen=True):
    """A process that shares the database, and when it last wrote that it is alive."""

    id: str
    kind: str
    runs_clocks: Annotated[int, SMALL]
    seen_ms: int  # real time


class Wake(Struct, frozen=True):
    """How often other processes wrote in a sandbox since the process that runs its clock has looked at it."""

    wakes: int


class AdvanceRow(Struct, frozen=True):
    """An advance of a manual clock: see `sandboxes.advances`."""

    n: int
    process: str  # the process that runs it, or ran it last
    state: str
    began_ms: int
    to_ms: int
    outcome: str | None  # JSON: what it released, or the problem that ended it


class JobRow(Struct, frozen=True):
    """What runs beside its request: see `sandboxes.jobs`."""

    n: int
    kind: str
    process: str  # the process that runs it, or ran it
    state: str
    at_ms: int  # of the sandbox's clock: when it was begun, then of when its result is
    loans: int | None
    discrepancies: int | None  # of an audit
    unexplained: int | None
    outcome: str | None  # JSON: its result, or the problem that ended it


class KeptAlertRow(Struct, frozen=True):
    """An alert that a run of the alerts has seen, open until a later run does not see it: see `monitoring.history`."""

    opened_run: int  # the number of the run that saw it first
    id: str
    check_name: str
    finding_class: str | None
    entity: str
    loan_id: str | None
    channel: str | None
    amount_minor: int
    currency: str | None
    since_ms: int
    raised_ms: int
    detail: str  # JSON: a sentence, of `domain.sentences`
    opened_ms: int
    seen_ms: int  # when a run saw it last
    closed_ms: int | None


class AnswerRow(Struct, frozen=True):
    """The stored answer to a request with an Idempotency-Key."""

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
    """An amount that moves from one account to another: an unbalanced transaction cannot be stored."""

    chain: str
    seq: int
    line: int
    debit: str
    credit: str
    amount_minor: int


class FactRow(Struct, frozen=True):
    """A fact. WORLD and BOOKS have facts of one shape: one `replay` reads both.

    In the world, money whose payer named no loan has the loan id "", and a second row once an operator matches it.
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
    landed: int  # 1 if the money was posted as unapplied cash before
    recorded_ms: int
    version: int  # the loan's version that it made; 0 in the world


class ChangeRow(Struct, frozen=True):
    """What one commit has changed in a sandbox: see `changes`."""

    n: int
    subjects: str  # ids, separated by spaces


class LoanCount(Struct, frozen=True):
    """How many loans a sandbox has: counted as they are lent, so that nobody has to count rows. See `changes`."""

    loans: int


class LoanView(Struct, frozen=True):
    """A version of a loan's status page, and the times from which each view shows it."""

    loan_id: str
    version: int
    made_ms: int
    visible_ms: int  # on the status page; the next three are for the other views
    list_ms: int
    instalments_ms: int
    replica_ms: int
    back_ms: int  # from here until `again_ms` an older version is shown again
    again_ms: int
    due_ms: Due  # when no view shows an older version any more; set until then
    status: str
    borrower_id: str
    doc: str
    state: str


table_of("sandbox_uses", SandboxUse, key=())
table_of("emptying", EmptyingRow, scoped=False)
table_of("real_time", RealTime, scoped=False)
table_of("processes", ProcessRow, scoped=False)
table_of("wakes", Wake, key=())
table_of("advances", AdvanceRow, key=("n",))
table_of("jobs", JobRow, key=("n",))
table_of("kept_alerts", KeptAlertRow, key=("opened_run", "id"))
table_of("idempotency", AnswerRow, key=("key",))
table_of(
    "transactions",
    TransactionRow,
    # The id names the key, which is unique, so it needs no index of its own.
    Check("id_names_key", "id = 'txn_' || REPLACE(chain, 'loan_', '') || '_' || seq"),
    Index("recorded_ms", "chain", "seq"),
    Index("chain", "reverses", where="reverses IS NOT NULL", unique_as="uq_transactions_sandbox_id_chain_reverses"),
    key=("chain", "seq"),
)
table_of(
    "postings",
    PostingRow,
    References("transactions", "chain", "seq"),
    Check("amount_positive", "amount_minor > 0"),
    Check("two_accounts", "debit <> credit"),
    key=("chain", "seq", "line"),
)
# Money that came without an order is looked for by its id, because the world may have it on another loan.
table_of("world_facts", FactRow, Index("id", "loan_id", where=OF_RECEIPTS), key=("loan_id", "id"))
table_of("book_facts", FactRow, Unique("id"), key=("loan_id", "id"))
table_of("changes", ChangeRow, key=("n",))
table_of("loan_counts", LoanCount, key=())
# A version that an older one replaces for good has no due time: it is found by when that happens.
table_of("loan_views", LoanView, Index("back_ms", where=f"back_ms < {NEVER_MS}"), key=("loan_id", "version"))

register_part(
    SchemaPart(
        "platform",
        Path(__file__).parent / "migrations" / "versions",
        revisions=("platform_0001",),
        tables=frozenset(metadata.tables),
    )
)
