"""Every status and state, a class per noun. Each member is the text that is stored, searched for and shown in JSON."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """A member is its text in messages too: `repr` gives the text's, so a document with a status prints as before."""

    __repr__ = str.__repr__


class LoanStatus(Status):
    """SUBMITTED → LENDING → USING ⇄ OVD → CLEAR; LENDING → FAILED. OFF: written off. A reversal reopens a CLEAR one."""

    SUBMITTED = "SUBMITTED"
    LENDING = "LENDING"
    FAILED = "FAILED"
    USING = "USING"
    OVD = "OVD"
    CLEAR = "CLEAR"
    OFF = "OFF"


SHOWN_FOR_OVERRIDE = {
    "INIT": LoanStatus.SUBMITTED,
    "VALID": LoanStatus.USING,
    "OVERDUE": LoanStatus.OVD,
    "CLEAR": LoanStatus.CLEAR,
}
"""The bill statuses of an operator's mark, and the loan status that the page then shows."""


class InstalmentStatus(Status):
    """What the list of instalments shows of one: PENDING before its period begins, OVD after its due date."""

    PENDING = "PENDING"
    DUE = "DUE"
    PARTIAL = "PARTIAL"
    CLEAR = "CLEAR"
    OVD = "OVD"


class QuoteType(Status):
    """What a quote, and so a repayment, is for: all that is left, or what is overdue and what falls due next.

    Nobody can order INSTALMENT: the money was filed under the instalment of the plan, with its whole interest.
    """

    CLEAR = "CLEAR"
    OVD_AND_CURRENT = "OVD_AND_CURRENT"
    INSTALMENT = "INSTALMENT"


class RepaymentStatus(Status):
    """The platform's order for a repayment: PROCESSING until it hears of the money, then on the books, or given up.

    INITIAL and PARTIAL are statuses of the real API that no order has here.
    """

    INITIAL = "I"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "S"
    FAILED = "F"
    PARTIAL = "PARTIAL"
    REVERSED = "REVERSED"


class TradeState(Status):
    """A channel's own record of a payment. RETURNED: the channel has taken back what it had reported."""

    CREATED = "CREATED"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    RETURNED = "RETURNED"


class ReceiptState(Status):
    """Money that came without an order: UNAPPLIED until its loan is known."""

    UNAPPLIED = "UNAPPLIED"
    APPLIED = "APPLIED"
    REVERSED = "REVERSED"
    RETURNED = "RETURNED"


class DeliveryState(Status):
    """A callback or webhook on its way: RETRY after an attempt that failed, EXHAUSTED after the last one."""

    QUEUED = "QUEUED"
    RETRY = "RETRY"
    ACKED = "ACKED"
    EXHAUSTED = "EXHAUSTED"


class PayoutState(Status):
    """Money on its way out through a channel."""

    ORDERED = "ORDERED"
    PAID = "PAID"
    FAILED = "FAILED"


class EditState(Status):
    """An operator's edit: a DRAFT where a second person is asked for, until that person has decided."""

    DRAFT = "DRAFT"
    APPLIED = "APPLIED"
    REVERSED = "REVERSED"
    REJECTED = "REJECTED"


class DisputeState(Status):
    """OPEN → MARKED → VERIFYING → a decision; one that is UPHELD goes on to CORRECTED and COMPENSATED."""

    OPEN = "OPEN"
    MARKED = "MARKED"
    VERIFYING = "VERIFYING"
    UPHELD = "UPHELD"
    CORRECTED = "CORRECTED"
    COMPENSATED = "COMPENSATED"
    REJECTED = "REJECTED"
    STATEMENT = "STATEMENT"
    UNVERIFIABLE = "UNVERIFIABLE"


class RecordState(Status):
    """A record at the credit bureau, from the cut of the data to the record that supersedes it."""

    SNAPSHOT = "SNAPSHOT"
    SUBMITTED = "SUBMITTED"
    PUBLISHED = "PUBLISHED"
    SUPERSEDED = "SUPERSEDED"


class ApplicationDecision(Status):
    """What a partner lender decides on an application."""

    APPROVED = "APPROVED"
    REFUSED = "REFUSED"


class EntryStatus(Status):
    """An entry of the answer key: open while it is active, and how it ended."""

    PENDING = "pending"
    ACTIVE = "active"
    HEALED = "healed"
    SUPERSEDED = "superseded"
    MASKED = "masked"
