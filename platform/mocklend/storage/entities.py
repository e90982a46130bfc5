"""The rows that commands read and replace, as frozen structs. Their columns are explained in `schema.py`."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct

from mocklend.seams.view_refresh import Showing
from mocklend.storage import schema
from mocklend.storage.statements import OUTBOX
from mocklend.storage.stores import entity
from mocklend.storage.work import Sandbox

entity(schema.sandboxes)(Sandbox)


class StatusOverride(Struct, frozen=True):
    """A loan's status that an operator has set by hand.

    `since_ms` and `since_version` say from when on the books have derived another one; None while they agree.
    """

    edit_id: str
    status: str  # of the bill: INIT, VALID, OVERDUE, CLEAR
    since_ms: int | None = None
    since_version: int | None = None


class Attempt(Struct, frozen=True, omit_defaults=True):
    """One attempt at a message: its number from 1, its moment (RFC 3339), what came of it; of a callback, its type."""

    n: int
    at: str
    outcome: str
    event: str | None = None


class WorldAssignment(Struct, frozen=True):
    """Whose a receipt really is: the loan that an operator last found out, and what took it away from earlier ones.

    `left` has, by loan id, the id of the fact that took the money away from it.
    """

    loan_id: str
    left: dict[str, str]


class ViewVersion(Struct, frozen=True, array_like=True):
    """What a loan's page says at one version, and from when that is seen.

    `change_minor` is what it moved the balance by, `off_minor` what the balance on the page is too much. A version that
    had to wait says in `waits` from when each view shows it, and in `behind_minor` what the page was behind by.
    """

    version: int
    made_ms: int
    status: str
    outstanding_minor: int
    change_minor: int
    off_minor: int
    waits: Showing | None = None
    behind_minor: int | None = None

    @property
    def showing(self) -> Showing:
        """From when on each view shows it: at once and for good, where it did not have to wait."""
        return self.waits or Showing.at(self.made_ms)

    @property
    def books_minor(self) -> int:
        """What the books had outstanding at this version."""
        return self.outstanding_minor - self.off_minor

    @property
    def said(self) -> dict[str, Any]:
        """The part that a fault may look at."""
        return {"version": self.version, "status": self.status, "outstanding_minor": self.outstanding_minor}


@entity(schema.borrowers)
class Borrower(Struct, frozen=True):
    """Somebody who may borrow, up to a limit on outstanding principal."""

    kind: ClassVar[str] = "borrower"
    id: str
    reference: str
    name: str
    credit_limit_minor: int
    created_ms: int


@entity(schema.loans)
class Loan(Struct, frozen=True):
    """A loan as the books have it: its terms, and the projection of its facts."""

    kind: ClassVar[str] = "loan"
    id: str
    borrower_id: str
    reference: str
    currency: str
    product_id: str | None
    product: str
    principal_minor: int
    start_date: str
    disburse_channel: str
    auto_debit: int
    created_ms: int
    version: int
    status: str
    outstanding_principal_minor: int
    state: str
    next_seq: int
    head_hash: str
    edits: int
    status_override: StatusOverride | None
    view_versions: tuple[ViewVersion, ...]
    disbursed_ms: int | None
    due_ms: int | None
    debit_ms: int | None
    missed_ms: int | None = None
    cleared_version: int | None = None


@entity(schema.quotes)
class Quote(Struct, frozen=True):
    """What a repayment would have to be, on one date."""

    kind: ClassVar[str] = "quote"
    id: str
    loan_id: str
    type: str
    date: str
    total_minor: int
    valid_until_ms: int
    version: int


@entity(schema.repayments)
class Repayment(Struct, frozen=True):
    """The platform's order for a repayment: PROCESSING, then S, F or REVERSED."""

    kind: ClassVar[str] = "repayment"
    id: str
    loan_id: str
    status: str
    amount_minor: int
    currency: str
    channel: str
    type: str
    quote_id: str | None
    payer_reference: str | None
    channel_trade_no: str | None
    applied_minor: int
    overpaid_minor: int
    created_ms: int
    paid_ms: int | None
    applied_ms: int | None
    booked_type: str | None = None
    booked_ms: int | None = None
    bookings: int = 0
    reversal_id: str | None = None
    debit_ms: int | None = None
    asked_key: str | None = None


@entity(schema.edits)
class OperatorEdit(Struct, frozen=True):
    """What an operator did to a loan: DRAFT until somebody else has approved it, where that is asked for."""

    kind: ClassVar[str] = "edit"
    id: str
    loan_id: str
    n: int
    edit_kind: str
    amount_minor: int | None
    status: str | None
    memo: str
    operator: str
    approver: str | None
    state: str
    before: str
    after: str
    created_ms: int
    channel: str | None = None
    due_date: str | None = None
    applied_ms: int | None = None
    to_approve_minor: int | None = None


@entity(schema.trades)
class Trade(Struct, frozen=True):
    """A channel's own record of a payment. `id` is the out_trade_no."""

    kind: ClassVar[str] = "trade"
    id: str
    loan_id: str
    repayment_id: str
    channel: str
    channel_trade_no: str | None
    state: str
    amount_minor: int
    currency: str
    payer_name: str | None
    payer_reference: str | None
    scope: str
    created_ms: int
    paid_ms: int | None
    due_ms: int | None
    failed_ms: int | None = None
    return_due_ms: int | None = None
    notifies: int = 1


@entity(schema.receipts)
class Receipt(Struct, frozen=True):
    """Money that came without an order of ours: UNAPPLIED until its loan is known, then APPLIED; or LATE_FAILED."""

    kind: ClassVar[str] = "receipt"
    id: str
    state: str
    loan_id: str | None
    channel: str
    out_trade_no: str
    channel_trade_no: str
    amount_minor: int
    currency: str
    scope: str
    payer_name: str
    payer_reference: str
    landed: int
    paid_ms: int
    received_ms: int
    applied_ms: int | None
    matches: int = 0
    world_assignment: WorldAssignment | None = None


@entity(schema.chains)
class Chain(Struct, frozen=True):
    """Where the journal of a channel stands."""

    kind: ClassVar[str] = "chain"
    id: str
    next_seq: int
    head_hash: str


@entity(schema.callbacks, rank=OUTBOX)
class Callback(Struct, frozen=True):
    """A channel's message to the platform, on its way: QUEUED, RETRY, ACKED or EXHAUSTED."""

    kind: ClassVar[str] = "callback"
    id: str
    loan_id: str
    repayment_id: str
    out_trade_no: str
    channel: str
    state: str
    attempts: int
    attempts_to_lose: int
    log: tuple[Attempt, ...]
    queued_ms: int
    due_ms: int | None
    acked_ms: int | None
    applied_ms: int | None


@entity(schema.payouts)
class Payout(Struct, frozen=True):
    """Money on its way out through a channel: ORDERED, then PAID or FAILED. One that is not due any more is stuck."""

    kind: ClassVar[str] = "payout"
    id: str
    loan_id: str
    purpose: str
    channel: str
    amount_minor: int
    currency: str
    state: str
    created_ms: int
    paid_ms: int | None
    due_ms: int | None


@entity(schema.statement_files)
class StatementFile(Struct, frozen=True):
    """A channel's statement file of a day, as it was made."""

    kind: ClassVar[str] = "statement_file"
    id: str
    channel: str
    day: str
    currency: str
    made: int
    ready_ms: int
    kept_percent: int
    repeated_rows: int
    recoded: int


@entity(schema.webhooks, rank=OUTBOX)
class Webhook(Struct, frozen=True):
    """The platform's message to a client, on its way: QUEUED, RETRY, ACKED or EXHAUSTED."""

    kind: ClassVar[str] = "webhook"
    id: str
    endpoint_id: str
    loan_id: str
    event: str
    body: str
    state: str
    attempts: int
    log: tuple[Attempt, ...]
    queued_ms: int
    due_ms: int | None
    acked_ms: int | None


@entity(schema.bureau_accounts)
class BureauAccount(Struct, frozen=True):
    """A loan as its lender reports it to the bureau, and when that is next looked at."""

    kind: ClassVar[str] = "bureau_account"
    id: str
    borrower_id: str
    due_ms: int | None
    version: int
    status: str | None
    months: str
    last_month: str | None
    disputes: str
    correct_ms: int | None
    correct_reason: str | None
    ordered_ms: int | None
    published_ms: int | None


@entity(schema.bureau_records)
class BureauRecord(Struct, frozen=True):
    """One report of a loan. Never edited: the next one supersedes it."""

    kind: ClassVar[str] = "bureau_record"
    id: str
    loan_id: str
    borrower_id: str
    version: int
    cause: str
    reason: str | None
    as_of: str
    status: str
    five_class: str
    days_overdue: int
    balance_minor: int
    overdue_minor: int
    months: str
    last_month: str
    line: str
    cut_ms: int
    submitted_ms: int
    published_ms: int


@entity(schema.score_answers)
class ScoreAnswer(Struct, frozen=True):
    """What a score query was answered, kept for those who ask again."""

    kind: ClassVar[str] = "score_answer"
    id: str
    borrower_id: str
    transaction_id: str
    body: str
    refreshed_ms: int
    answered_ms: int


@entity(schema.partner_copies)
class PartnerCopy(Struct, frozen=True):
    """The report and score that a partner lender pulled and keeps."""

    kind: ClassVar[str] = "partner_copy"
    id: str
    partner: str
    borrower_id: str
    report: str
    score: str
    pulled_ms: int
    decided: int


@entity(schema.applications)
class Application(Struct, frozen=True):
    """Somebody asked a partner lender for credit, and this was decided."""

    kind: ClassVar[str] = "application"
    id: str
    partner: str
    borrower_id: str
    product: str
    amount_minor: int
    decision: str
    reasons: str
    report_version: int
    score: str
    n: int
    asked_anew: int
    pulled_ms: int
    created_ms: int


@entity(schema.disputes)
class Dispute(Struct, frozen=True):
    """A borrower's claim that a record is wrong, and what became of it."""

    kind: ClassVar[str] = "dispute"
    id: str
    loan_id: str
    claim: str
    statement: str | None
    evidence: str
    findings: str
    state: str
    progress: str
    decision: str | None
    corrections: str
    left_to_do: str
    corrected_version: int | None
    disagreement: str | None
    compensation_minor: int
    compensation_id: str | None
    payout_id: str | None
    marked: int
    breached: int
    created_ms: int
    answer_by_ms: int
    taken_up_ms: int
    due_ms: int | None


@entity(schema.certificates)
class Certificate(Struct, frozen=True):
    """A settlement certificate as it was issued."""

    kind: ClassVar[str] = "certificate"
    id: str
    loan_id: str
    number: str
    issued_ms: int
    journal_seq: int
    journal_hash: str
    principal_minor: int
    currency: str
    settled_on: str
    text_zh: str
    text_en: str
