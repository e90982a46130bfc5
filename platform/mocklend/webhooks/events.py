"""Every event that a client can be told, with the fields of each.

The API takes its names from here, and the documentation its tables and schemas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mocklend.domain.statuses import LoanStatus

FIELDS: dict[str, tuple[str, str]] = {
    "loan_id": ("string", "The loan that the event is about."),
    "status": ("string", "The status of the loan, or for `repayment.*` of the repayment, after the event."),
    "version": ("integer", "The version of the loan that the event made."),
    "principal_minor": ("integer", "What was lent, in minor units."),
    "amount_minor": ("integer", "The whole amount of the repayment, receipt or refund, in minor units."),
    "applied_minor": ("integer", "How much of the repayment settled something, in minor units."),
    "overpaid_minor": ("integer", "How much of the repayment was too much, in minor units."),
    "repayment_id": ("string", "The repayment that the event is about."),
    "receipt_id": ("string", "The receipt that the event is about."),
    "to_loan_id": ("string", "The loan that has the receipt now."),
    "edit_id": ("string", "The operator's edit that the event is about."),
    "payout_id": ("string", "The payout that the event is about."),
    "dispute_id": ("string", "The dispute that the event is about."),
    "certificate_id": ("string", "The certificate that the event is about."),
    "number": ("string", "The certificate's printed number."),
    "superseded": ("boolean", "Whether the books have moved on since the certificate was issued."),
    "kind": ("string", "The kind of edit."),
    "state": ("string", "The state of the edit, receipt, payout or dispute, after the event."),
    "note": ("string", "The line that the event adds to the dispute's progress."),
    "was_minor": ("integer", "What the edit moved on the books before, in minor units."),
    "is_minor": ("integer", "What the edit moves on the books now, in minor units. 0: it is undone."),
}
"""The fields of a payload's `data`: JSON type and meaning."""

LOAN = ("loan_id", "status", "version")
REPAYMENT = ("repayment_id", "loan_id", "status", "amount_minor", "applied_minor", "overpaid_minor")
RECEIPT = ("receipt_id", "loan_id", "state", "amount_minor")
EDIT = ("loan_id", "edit_id", "kind", "state", "status", "version")
DISPUTE = ("dispute_id", "loan_id", "state", "note")
CERTIFICATE = ("certificate_id", "loan_id", "number", "superseded")
REFUND = ("loan_id", "payout_id", "state", "amount_minor")


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event: when it is sent, and the fields of its `data`, in their order."""

    when: str
    data: tuple[str, ...]


EVENTS: dict[str, EventType] = {
    "loan.accepted": EventType("A loan was granted, and its payout ordered at a channel.", LOAN),
    "loan.disbursed": EventType("A loan was paid out.", (*LOAN, "principal_minor")),
    "loan.payout_failed": EventType("A loan cannot be paid out, for good.", (*LOAN, "payout_id")),
    "loan.overdue": EventType("A loan went overdue.", LOAN),
    "loan.cured": EventType("What was overdue is paid or gone, and something is still owed.", LOAN),
    "loan.cleared": EventType("Nothing is owed any more.", LOAN),
    "loan.reopened": EventType("A loan that was settled or written off is owed again, and not overdue.", LOAN),
    "loan.written_off": EventType("What was owed is given up as a loss.", LOAN),
    "loan.edited": EventType("An operator's edit went on the books, or was taken back.", EDIT),
    "loan.edit_adjusted": EventType(
        "History before an edit has changed, so that the edit moves another amount than before.",
        ("loan_id", "edit_id", "status", "version", "was_minor", "is_minor"),
    ),
    "loan.status_override_ended": EventType(
        "A status that was set by hand no longer holds.", ("loan_id", "edit_id", "status", "version")
    ),
    "repayment.ordered": EventType("A repayment was ordered, by a client or by auto-deduction.", REPAYMENT),
    "repayment.succeeded": EventType("A repayment is on the books.", REPAYMENT),
    "repayment.failed": EventType("A repayment was taken off the books, as not paid.", REPAYMENT),
    "repayment.reversed": EventType("An operator took a repayment off its loan.", REPAYMENT),
    "repayment.reinstated": EventType("An operator took the reversal of a repayment back.", REPAYMENT),
    "repayment.rebooked": EventType("A repayment was booked anew, as ordered and when it was paid.", REPAYMENT),
    "repayment.reallocated": EventType("Something before a repayment changed what it settles.", REPAYMENT),
    "repayment.returned": EventType("A channel took back the money of a repayment.", REPAYMENT),
    "receipt.applied": EventType("Money that came without an order was put on a loan.", RECEIPT),
    "receipt.moved": EventType("A receipt was taken off a loan and put on another.", (*RECEIPT, "to_loan_id")),
    "receipt.reversed": EventType("A receipt that was posted twice was taken off its loan.", RECEIPT),
    "receipt.returned": EventType("A channel took back the money of a receipt.", RECEIPT),
    "refund.agreed": EventType("What was paid too much is to be paid back.", (*REFUND, "edit_id")),
    "refund.paid": EventType("A refund has left through its channel.", REFUND),
    "certificate.issued": EventType("A settlement certificate was issued.", CERTIFICATE),
    "certificate.superseded": EventType("The books have moved on since a certificate was issued.", CERTIFICATE),
    "dispute.opened": EventType("A dispute was received.", DISPUTE),
    "dispute.marked": EventType("The credit report says that the loan is disputed.", DISPUTE),
    "dispute.verified": EventType("The evidence was held against the channels and the books.", DISPUTE),
    "dispute.decided": EventType("A dispute was upheld, rejected or found unverifiable.", DISPUTE),
    "dispute.corrected": EventType("What was upheld was put right.", DISPUTE),
    "dispute.left_to_do": EventType("What was upheld is not put right yet: something is left to do.", DISPUTE),
    "dispute.compensation_agreed": EventType("A compensation was agreed, or posted after all.", DISPUTE),
    "dispute.compensated": EventType("The compensation was paid.", DISPUTE),
    "dispute.statement_added": EventType("The borrower's disagreement is on record.", DISPUTE),
    "dispute.breached": EventType("The time to answer is over, and nobody has decided.", DISPUTE),
}
"""Every type of event. A change that a client can see is one of these, in the commit that makes it."""


def payload_schema(event: str) -> dict[str, Any]:
    """The JSON Schema of the body that is sent for an event."""
    fields = EVENTS[event].data
    data = {name: {"type": FIELDS[name][0], "description": FIELDS[name][1]} for name in fields}
    return {
        "type": "object",
        "description": EVENTS[event].when,
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "const": event, "description": "The type of the event."},
            "timestamp": {
                "type": "string",
                "format": "date-time",
                "description": "When it happened, on the sandbox's clock.",
            },
            "data": {
                "type": "object",
                "description": "What it is about.",
                "required": list(fields),
                "properties": data,
            },
        },
    }


_LEFT_FOR_USING: dict[str, str] = {
    LoanStatus.CLEAR: "loan.reopened",
    LoanStatus.OFF: "loan.reopened",
    LoanStatus.OVD: "loan.cured",
}


def status_event(before: str, after: str) -> str | None:
    """The event that a change of status is, but for a payout's own: paid out, or failed for good."""
    if before == after:
        return None
    if after == LoanStatus.OVD:
        return "loan.overdue"
    if after == LoanStatus.CLEAR:
        return "loan.cleared"
    if after == LoanStatus.OFF:
        return "loan.written_off"
    if after == LoanStatus.LENDING:
        return "loan.accepted"
    if after == LoanStatus.USING:
        return _LEFT_FOR_USING.get(before)
    return None
