"""Every status and state, a class per noun. Each member is the text that is stored, searched for and shown in JSON."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """A member prints as its text in messages too: `repr` is that of the text."""

    __repr__ = str.__repr__


class LoanStatus(Status):
    """SUBMITTED → LENDING → USING ⇄ OVD → CLEAR; LENDING → FAILED. OFF: written off. A reversal reopens CLEAR."""

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
"""The bill statuses of a status override, and the loan status that the status page then shows."""


class InstalmentStatus(Status):
    """An instalment's status in the list of instalments: PENDING before its period begins, OVD after its due date."""

    PENDING = "PENDING"
    DUE = "DUE"
    PARTIAL = "PARTIAL"
    CLEAR = "CLEAR"
    OVD = "OVD"


class QuoteType(Status):
    """The scope of a quote and of a repayment: everything that is owed, or what is overdue and what falls due next.

    INSTALMENT cannot be ordered: it marks money booked under the planned instalment, with its whole interest.
    """

    CLEAR = "CLEAR"
    OVD_AND_CURRENT = "OVD_AND_CURRENT"
    INSTALMENT = "INSTALMENT"


class RepaymentStatus(Status):
    """The platform's order for a repayment: PROCESSING until the platform learns of the money, then posted or failed.

    INITIAL and PARTIAL are statuses of the real API that no order has in Mocklend.
    """

    INITIAL = "I"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "S"
    FAILED = "F"
    PARTIAL = "PARTIAL"
    REVERSED = "REVERSED"


class TradeState(Status):
    """A payment at its channel. RETURNED: the channel has returned a payment that it had reported."""

    CREATED = "CREATED"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    RETURNED = "RETURNED"


class ReceiptState(Status):
    """Money that came in without an order: UNAPPLIED until its loan is known."""

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
    """An operator's edit: a DRAFT where a second person has to approve it, until that person has decided."""

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
    """A record at the credit bureau, from the snapshot of the data until another record supersedes it."""

    SNAPSHOT = "SNAPSHOT"
    SUBMITTED = "SUBMITTED"
    PUBLISHED = "PUBLISHED"
    SUPERSEDED = "SUPERSEDED"


class ApplicationDecision(Status):
    """A partner lender's decision on an application."""

    APPROVED = "APPROVED"
    REFUSED = "REFUSED"


class EntryStatus(Status):
    """An entry of the answer key: pending or active while it is open, then how it ended."""

    PENDING = "pending"
    ACTIVE = "active"
    HEALED = "healed"
    SUPERSEDED = "superseded"
    MASKED = "masked"
