"""Every place where a fault may act, one file each: plain data in, plain data out.

A seam is a frozen dataclass. The platform fills one in with what would honestly happen, hands it over, and does what
comes back. A fault changes fields (`dataclasses.replace`) and nothing else: it sees no database, network, clock or
generator.

        platform ── event ──▶ group.at() ── outcome ──▶ platform carries on with it
                                  │
                                  └─ writes: the injection's journal row, in the same commit

Each seam also says what a change *means*: `consequence(happened)` is what a reconciler should find, how much is at
stake and which signal of the platform ends it. So a fault is only a transformation, and its line in the answer key
follows from the seam. That answer is worked out before anything is shown, and never from the audit.

Contract for a new seam: fields that a fault may change come last and have the honest value as their default;
`entity` and `occurrence` are the entity's own (never arrival order), so that the same story makes the same choice
in any interleaving. A new one is a file here, two lines below and a heading in docs/seams.md.
"""

from typing import Any

from mocklend.seams.api_answer import BREAKS, DELAY_MS_MAX, ApiAnswer
from mocklend.seams.asking import ASKED_BY
from mocklend.seams.balance_kept import BalanceKept
from mocklend.seams.batch_item import AUTO_DEBIT, DUE_DATE, BatchItem
from mocklend.seams.bureau_report import BureauReport
from mocklend.seams.callback_attempt import (
    ALTERATIONS,
    LOST_FOR_GOOD,
    OLD_TIMESTAMP,
    WRONG_AMOUNT,
    WRONG_KEY,
    CallbackAttempt,
)
from mocklend.seams.callback_taken import MOST_COPIES, CallbackTaken
from mocklend.seams.compensation_agreed import CompensationAgreed
from mocklend.seams.dispute_opened import DisputeOpened
from mocklend.seams.edit_approval import EditApproval
from mocklend.seams.idempotency_checked import IdempotencyChecked
from mocklend.seams.layer import Layer, LayerBroke, LayerGroup
from mocklend.seams.loan_opened import LoanOpened
from mocklend.seams.mark_outdated import MarkOutdated
from mocklend.seams.operator_edit import OperatorEdit
from mocklend.seams.order_paid import OrderPaid
from mocklend.seams.outcome import BadOutcome, check_outcome
from mocklend.seams.partner_application import PartnerApplication
from mocklend.seams.payment_reference import PaymentReference
from mocklend.seams.payout_settled import PayoutSettled
from mocklend.seams.quote_issued import QuoteIssued
from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend.seams.receipt_match import ReceiptMatch
from mocklend.seams.repayment_filed import RepaymentFiled
from mocklend.seams.repayment_reversal import RepaymentReversal
from mocklend.seams.score_asked import ScoreAsked
from mocklend.seams.seam import Consequence, EventContext, PendingEvent, Seam, SeamEvent, Write
from mocklend.seams.signals import (
    applied,
    applied_for,
    approved,
    cleared,
    closed,
    correction_ordered,
    landed,
    ordered_by,
    posted,
    rebuilt,
    recorded,
    remade,
    reversed_,
    shown,
    taken_back,
    told,
)
from mocklend.seams.statement_made import StatementMade
from mocklend.seams.trade_settled import TradeSettled
from mocklend.seams.view_refresh import NEVER_MS, Showing, ViewRefresh

_EVERY: tuple[type[Any], ...] = (
    ViewRefresh,
    BalanceKept,
    CallbackAttempt,
    CallbackTaken,
    PaymentReference,
    ReceiptMatch,
    ReceiptBooked,
    LoanOpened,
    OperatorEdit,
    OrderPaid,
    EditApproval,
    MarkOutdated,
    RepaymentFiled,
    RepaymentReversal,
    BureauReport,
    ScoreAsked,
    PartnerApplication,
    DisputeOpened,
    CompensationAgreed,
    ApiAnswer,
    TradeSettled,
    PayoutSettled,
    StatementMade,
    BatchItem,
    QuoteIssued,
    IdempotencyChecked,
)

SEAMS: dict[str, type[Any]] = {one.seam: one for one in _EVERY}
"""Each seam by its name, in the order of the docs."""

__all__ = [
    "ALTERATIONS",
    "ASKED_BY",
    "AUTO_DEBIT",
    "BREAKS",
    "DELAY_MS_MAX",
    "DUE_DATE",
    "LOST_FOR_GOOD",
    "MOST_COPIES",
    "NEVER_MS",
    "OLD_TIMESTAMP",
    "SEAMS",
    "WRONG_AMOUNT",
    "WRONG_KEY",
    "ApiAnswer",
    "BadOutcome",
    "BalanceKept",
    "BatchItem",
    "BureauReport",
    "CallbackAttempt",
    "CallbackTaken",
    "CompensationAgreed",
    "Consequence",
    "DisputeOpened",
    "EditApproval",
    "EventContext",
    "IdempotencyChecked",
    "Layer",
    "LayerBroke",
    "LayerGroup",
    "LoanOpened",
    "MarkOutdated",
    "OperatorEdit",
    "OrderPaid",
    "PartnerApplication",
    "PaymentReference",
    "PayoutSettled",
    "PendingEvent",
    "QuoteIssued",
    "ReceiptBooked",
    "ReceiptMatch",
    "RepaymentFiled",
    "RepaymentReversal",
    "ScoreAsked",
    "Seam",
    "SeamEvent",
    "Showing",
    "StatementMade",
    "TradeSettled",
    "ViewRefresh",
    "Write",
    "applied",
    "applied_for",
    "approved",
    "check_outcome",
    "cleared",
    "closed",
    "correction_ordered",
    "landed",
    "ordered_by",
    "posted",
    "rebuilt",
    "recorded",
    "remade",
    "reversed_",
    "shown",
    "taken_back",
    "told",
]
