"""The rows that commands read and replace, as frozen structs. Each table is derived from its class: see `tables`.

Times are milliseconds UTC (`_ms`), money is minor units (`_minor`), dates are ISO text, and 1 means yes.
"""

from __future__ import annotations

from typing import ClassVar

from mocklend.domain.bureau import LAG_MS
from mocklend.domain.statuses import QuoteType
from mocklend.storage.statements import FACTS, OUTBOX
from mocklend.storage.stores import entity
from mocklend.storage.tables import Due, Index, Unique
from mocklend.storage.values import (
    Attempt,
    BillDoc,
    CorrectionDoc,
    DecisionDoc,
    FindingDoc,
    LeftDoc,
    PieceDoc,
    ReportDoc,
    ScoreDoc,
    StatusOverride,
    StepDoc,
    ViewVersion,
    WorldAssignment,
)
from mocklend.storage.work import Entity, Sandbox

entity("sandboxes", Unique("key_hash"), scoped=False)(Sandbox)


# By what a person knows of one: see `lending.found`.
@entity(
    "borrowers",
    Index("reference", "id", bytewise=("reference",)),
    Index("name", "id", bytewise=("name",)),
)
class Borrower(Entity, frozen=True):
    """A borrower, with a limit on outstanding principal in minor units."""

    kind: ClassVar[str] = "borrower"
    reference: str
    name: str
    credit_limit_minor: int
    created_ms: int


@entity(
    "loans",
    Index("borrower_id"),
    Index("reference", "id", bytewise=("reference",)),
    Index("created_ms", "id"),
)
class Loan(Entity, frozen=True):
    """A loan as the books have it: its terms, and the projection of its facts."""

    kind: ClassVar[str] = "loan"
    borrower_id: str
    reference: str
    currency: str
    product_id: str | None
    product: str
    principal_minor: int
    start_date: str
    disburse_channel: str
    auto_debit: int  # 1 if auto-debit orders what is due on the due date
    created_ms: int
    # The books' projection: the stored replay of the loan's facts, so that a command need not replay them all.
    version: int
    status: str
    outstanding_principal_minor: int
    state: str
    next_seq: int
    head_hash: str
    edits: int
    status_override: StatusOverride | None  # set by an operator's edit, until the books derive another status
    view_versions: tuple[ViewVersion, ...]  # versions that a view shows or will show
    disbursed_ms: int | None
    due_ms: Due
    debit_ms: Due
    missed_ms: int | None = None  # when the end-of-day batch skipped it
    cleared_version: int | None = None  # the version at which it was last paid off


PAYOFF = f"type = '{QuoteType.CLEAR}'"
"""SQL: a quote is of a payoff."""


# Indexes of payoff quotes only, which alone are audited: by loan, and by when they lapse.
@entity("quotes", Index("loan_id", where=PAYOFF), Index("valid_until_ms", where=PAYOFF))
class Quote(Entity, frozen=True):
    """The amount that a repayment needs on one date."""

    kind: ClassVar[str] = "quote"
    loan_id: str
    type: str
    date: str
    total_minor: int
    valid_until_ms: int
    version: int


@entity("repayments", Index("loan_id", "created_ms"))
class Repayment(Entity, frozen=True):
    """The platform's order for a repayment: PROCESSING, then S, F or REVERSED."""

    kind: ClassVar[str] = "repayment"
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
    booked_type: str | None = None  # the type under which it is booked, and the moment at which
    booked_ms: int | None = None
    bookings: int = 0  # the number of its bookings
    reversal_id: str | None = None  # the reversal that took it off its loan
    debit_ms: int | None = None  # the time of its auto-debit attempt; null where a client ordered it
    asked_key: str | None = None  # the Idempotency-Key of the request that ordered it


@entity("edits", Index("loan_id", "n"), Index("state", "id"))
class OperatorEdit(Entity, frozen=True):
    """An operator's edit of a loan: a DRAFT until a second person has approved it, where that is needed."""

    kind: ClassVar[str] = "edit"
    loan_id: str
    n: int  # its number among those of the operator plane; a follow-up has the number before it
    edit_kind: str
    amount_minor: int | None
    status: str | None
    memo: str
    operator: str
    approver: str | None
    state: str
    before: BillDoc
    after: BillDoc | None  # None until it is posted
    created_ms: int
    channel: str | None = None
    due_date: str | None = None
    applied_ms: int | None = None
    to_approve_minor: int | None = None  # the amount, where a second person has to approve it


@entity("operator_actions", Index("loan_id", "at_ms"), rank=FACTS)
class OperatorAction(Entity, frozen=True):
    """An entry of the operator log: operator, reason, and the bill before and after. Append-only."""

    kind: ClassVar[str] = "act"
    loan_id: str
    version: int
    action: str
    about: str
    memo: str | None
    operator: str
    approver: str | None
    before: BillDoc
    after: BillDoc
    at_ms: int


@entity(
    "trades",
    Index("channel_trade_no", where="channel_trade_no IS NOT NULL"),
    Index("channel", "paid_ms", where="paid_ms IS NOT NULL"),
    Index("loan_id", "id"),
)
class Trade(Entity, frozen=True):
    """A payment at its channel. `id` is the out_trade_no."""

    kind: ClassVar[str] = "trade"
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
    due_ms: Due
    returned_ms: int | None = None  # when the channel returned the money
    return_due_ms: Due = None  # when the channel will return it
    notifies: int = 1  # 0 if the channel sends no callback about the return


@entity("receipts", Index("state"))
class Receipt(Entity, frozen=True):
    """Money without an order: UNAPPLIED until its loan is known, then APPLIED; or RETURNED."""

    kind: ClassVar[str] = "receipt"
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
    landed: int  # 1 if it was posted to the channel's chain as unapplied cash
    paid_ms: int
    received_ms: int
    applied_ms: int | None
    matches: int = 0  # how often an operator has matched or moved it
    world_assignment: WorldAssignment | None = None  # used for the world only


@entity("chains")
class Chain(Entity, frozen=True):
    """The head of a channel's journal chain."""

    kind: ClassVar[str] = "chain"
    next_seq: int
    head_hash: str


NOT_ACKED = "state <> 'ACKED'"
"""SQL: a message that was not accepted yet, as few are: those that people look for."""
MESSAGE_INDEXES = (
    Index("queued_ms", "id"),
    Index("loan_id", "queued_ms", "id"),
    Index("state", "queued_ms", "id", where=NOT_ACKED),
)
"""How messages are listed, the newest first: see `views.messages`."""


@entity("callbacks", *MESSAGE_INDEXES, rank=OUTBOX)
class Callback(Entity, frozen=True):
    """A channel's message to the platform: QUEUED, RETRY, ACKED or EXHAUSTED."""

    kind: ClassVar[str] = "callback"
    loan_id: str
    repayment_id: str
    out_trade_no: str
    channel: str
    state: str
    attempts: int
    attempts_to_lose: int
    log: tuple[Attempt, ...]
    queued_ms: int
    due_ms: Due
    acked_ms: int | None
    applied_ms: int | None


@entity("payouts", Index("loan_id"), Index("channel", "paid_ms"))
class Payout(Entity, frozen=True):
    """Money to be paid out through a channel: ORDERED, then PAID or FAILED. ORDERED without a due time, it is stuck."""

    kind: ClassVar[str] = "payout"
    loan_id: str
    purpose: str
    channel: str
    amount_minor: int
    currency: str
    state: str
    created_ms: int
    paid_ms: int | None
    due_ms: Due


@entity("statement_files")
class StatementFile(Entity, frozen=True):
    """A channel's statement file of a day, as generated."""

    kind: ClassVar[str] = "statement_file"
    id: str  # channel, day and currency
    channel: str
    day: str
    currency: str
    made: int  # how often it was generated
    ready_ms: int
    kept_percent: int  # of its bytes; below 100 the file is truncated
    repeated_rows: int  # how many of its first rows are repeated at its end
    recoded: int  # 1 if its encoding is not the announced one


@entity(
    "webhooks",
    Index("endpoint_id", "due_ms", "id", where="due_ms IS NOT NULL"),
    *MESSAGE_INDEXES,
    rank=OUTBOX,
)
class Webhook(Entity, frozen=True):
    """The platform's message to a client: QUEUED, RETRY, ACKED or EXHAUSTED."""

    kind: ClassVar[str] = "webhook"
    endpoint_id: str
    loan_id: str
    event: str
    body: str
    state: str
    attempts: int
    log: tuple[Attempt, ...]
    queued_ms: int
    due_ms: Due
    acked_ms: int | None


CORRECTED_ONCE = "correct_ms IS NULL AND ordered_ms IS NOT NULL"
"""SQL: a correction of a bureau account was ordered, and none waits for its report."""


@entity("bureau_accounts", Index("ordered_ms", where=CORRECTED_ONCE))
class BureauAccount(Entity, frozen=True):
    """A loan as its lender reports it to the bureau, and when it is due for a report."""

    kind: ClassVar[str] = "bureau_account"
    id: str  # the loan
    borrower_id: str
    due_ms: Due
    version: int  # the number of its records
    status: str | None  # as last reported
    months: str
    last_month: str | None
    disputes: tuple[str, ...]  # ids of the open disputes about it
    correct_ms: int | None  # when a correction was ordered that is not reported yet
    correct_reason: str | None
    ordered_ms: int | None  # when a correction was last ordered, reported or not
    published_ms: int | None  # when the newest record is published: the bureau takes files in order


LATE = f"published_ms > cut_ms + {LAG_MS}"
"""SQL: a bureau record is published late."""


@entity(
    "bureau_records",
    Unique("loan_id", "version"),
    Index("borrower_id"),
    Index("as_of"),
    Index("published_ms"),
    Index("cut_ms", where=LATE),
)
class BureauRecord(Entity, frozen=True):
    """One report of a loan. Append-only: the next one supersedes it."""

    kind: ClassVar[str] = "bureau_record"
    loan_id: str
    borrower_id: str
    version: int
    cause: str  # monthly, change, correction
    reason: str | None
    as_of: str
    status: str
    five_class: str
    days_overdue: int
    balance_minor: int
    overdue_minor: int
    months: str
    last_month: str
    line: str  # of the submission file
    cut_ms: int  # it reports the facts recorded before this moment
    submitted_ms: int
    published_ms: int


@entity("score_answers", Index("answered_ms"))
class ScoreAnswer(Entity, frozen=True):
    """The stored answer to a score query, for repeated queries."""

    kind: ClassVar[str] = "score_answer"
    borrower_id: str
    transaction_id: str
    body: ScoreDoc
    refreshed_ms: int
    answered_ms: int


@entity("partner_copies")
class PartnerCopy(Entity, frozen=True):
    """A partner lender's copy of a report and score."""

    kind: ClassVar[str] = "partner_copy"
    id: str  # the partner and the borrower
    partner: str
    borrower_id: str
    report: ReportDoc
    score: int | str  # a number, or N/A
    pulled_ms: int
    decided: int  # the number of applications that this partner has decided


@entity("applications", Index("borrower_id"))
class Application(Entity, frozen=True):
    """A borrower's application to a partner lender, and its decision."""

    kind: ClassVar[str] = "application"
    partner: str
    borrower_id: str
    product: str
    amount_minor: int
    decision: str
    reasons: tuple[str, ...]
    report_version: int
    score: int | str
    n: int  # the sequence number of this borrower's applications to this partner
    asked_anew: int  # 1 if the application demanded a fresh report
    pulled_ms: int  # when the copy behind the decision was pulled
    created_ms: int


@entity("disputes", Index("loan_id"), Index("answer_by_ms"), Index("taken_up_ms"))
class Dispute(Entity, frozen=True):
    """A borrower's claim that a loan's data are wrong, and its outcome."""

    kind: ClassVar[str] = "dispute"
    loan_id: str
    claim: str
    statement: str | None
    evidence: tuple[PieceDoc, ...]
    findings: tuple[FindingDoc, ...]
    state: str
    progress: tuple[StepDoc, ...]
    decision: DecisionDoc | None
    corrections: tuple[CorrectionDoc, ...]
    left_to_do: tuple[LeftDoc, ...]  # before it is corrected, as of the last correction
    corrected_version: int | None  # the loan's version that was right when the dispute was last CORRECTED
    disagreement: str | None  # the statement of a borrower whose claim was rejected
    compensation_minor: int
    compensation_id: str | None  # the agreed fact, posted or not
    payout_id: str | None
    marked: int  # 1 while the credit report marks the loan as disputed
    breached: int  # 1 if it was not answered in time
    created_ms: int
    answer_by_ms: int
    taken_up_ms: int  # when operations staff take it up
    due_ms: Due


@entity("certificates", Index("loan_id"))
class Certificate(Entity, frozen=True):
    """A settlement certificate as issued."""

    kind: ClassVar[str] = "certificate"
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


@entity("scenario_runs")
class ScenarioRun(Entity, frozen=True):
    """The scenario that is played in the sandbox: see `scenarios.runs`. There is one, with the id `run`."""

    kind: ClassVar[str] = "scenario_run"
    scenario: str
    language: str
    position: int  # how many steps were carried out
    state: str  # JSON, of `scenarios.play`


@entity("alert_runs")
class AlertRun(Entity, frozen=True):
    """The last run of the alerts whose result is kept: see `monitoring.history`. There is one, with the id `last`."""

    kind: ClassVar[str] = "alert_run"
    n: int  # its number, from 1
    at_ms: int
    open: int  # how many alerts there were
    opened: int  # how many of them the run before it had not
    closed: int  # how many of the run before it are gone
    left_out: int  # how many of the open ones are not kept


@entity("reports")
class StoredReport(Entity, frozen=True):
    """A report of the sandbox: see `reports.storing`. Ids are in the order of time, and the newest are kept."""

    kind: ClassVar[str] = "report"
    about: str
    title: str  # in English, if it is a text of ours
    made_ms: int  # of real time
    document: str  # JSON, of `reports.documents`, with the truth
