"""Every event that a client can receive, with the fields of each.

The API's event names and the tables and schemas of the documentation are derived from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mocklend.domain.statuses import LoanStatus

FIELDS: dict[str, tuple[str, str]] = {
    "loan_id": ("string", "The loan that the event is about."),
    "status": ("string", "The status of the loan, or for `repayment.*` of the repayment, after the event."),
    "version": ("integer", "The version of the loan after the event."),
    "principal_minor": ("integer", "The principal, in minor units."),
    "amount_minor": ("integer", "The whole amount of the repayment, receipt or refund, in minor units."),
    "applied_minor": ("integer", "The part of the repayment that settled buckets, in minor units."),
    "overpaid_minor": ("integer", "The overpaid part of the repayment, in minor units."),
    "repayment_id": ("string", "The repayment that the event is about."),
    "receipt_id": ("string", "The receipt that the event is about."),
    "to_loan_id": ("string", "The loan that has the receipt now."),
    "edit_id": ("string", "The operator's edit that the event is about."),
    "payout_id": ("string", "The payout that the event is about."),
    "dispute_id": ("string", "The dispute that the event is about."),
    "certificate_id": ("string", "The certificate that the event is about."),
    "number": ("string", "The certificate's printed number."),
    "superseded": ("boolean", "Whether a later change of the books supersedes the certificate."),
    "kind": ("string", "The kind of edit."),
    "state": ("string", "The state of the edit, receipt, payout or dispute, after the event."),
    "note": ("string", "The note that the event adds to the dispute's progress."),
    "was_minor": ("integer", "The amount that the edit moved on the books before, in minor units."),
    "is_minor": ("integer", "The amount that the edit moves on the books now, in minor units. 0: it has no effect."),
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
    "loan.payout_failed": EventType("A loan's payout has failed finally.", (*LOAN, "payout_id")),
    "loan.overdue": EventType("A loan went overdue.", LOAN),
    "loan.cured": EventType("Nothing is overdue any more, and the loan is still open.", LOAN),
    "loan.cleared": EventType("The loan is settled.", LOAN),
    "loan.reopened": EventType("A loan that was settled or written off is open again, and not overdue.", LOAN),
    "loan.written_off": EventType("The amount owed was written off.", LOAN),
    "loan.edited": EventType("An operator's edit was posted or reversed.", EDIT),
    "loan.edit_adjusted": EventType(
        "A backdated change has altered the amount that an edit moves.",
        ("loan_id", "edit_id", "status", "version", "was_minor", "is_minor"),
    ),
    "loan.status_override_ended": EventType(
        "A status override has ended.", ("loan_id", "edit_id", "status", "version")
    ),
    "repayment.ordered": EventType("A repayment was ordered, by a client or by auto-debit.", REPAYMENT),
    "repayment.succeeded": EventType("A repayment is on the books.", REPAYMENT),
    "repayment.failed": EventType("A repayment was reversed on the books because it was not paid.", REPAYMENT),
    "repayment.reversed": EventType("An operator reversed a repayment.", REPAYMENT),
    "repayment.reinstated": EventType("An operator reversed the reversal of a repayment.", REPAYMENT),
    "repayment.rebooked": EventType("A repayment was booked again, as ordered and at the time of payment.", REPAYMENT),
    "repayment.reallocated": EventType("A backdated change has altered what a repayment settles.", REPAYMENT),
    "repayment.returned": EventType("A channel returned the money of a repayment.", REPAYMENT),
    "receipt.applied": EventType("Money without an order was applied to a loan.", RECEIPT),
    "receipt.moved": EventType("A receipt was moved to another loan.", (*RECEIPT, "to_loan_id")),
    "receipt.reversed": EventType("A receipt that was posted twice was reversed.", RECEIPT),
    "receipt.returned": EventType("A channel returned the money of a receipt.", RECEIPT),
    "refund.agreed": EventType("A refund of overpaid money was agreed.", (*REFUND, "edit_id")),
    "refund.paid": EventType("A refund was paid through its channel.", REFUND),
    "certificate.issued": EventType("A settlement certificate was issued.", CERTIFICATE),
    "certificate.superseded": EventType("A later change of the books supersedes a certificate.", CERTIFICATE),
    "dispute.opened": EventType("A dispute was received.", DISPUTE),
    "dispute.marked": EventType("The credit report marks the loan as disputed.", DISPUTE),
    "dispute.verified": EventType("The evidence was compared with the channels and the books.", DISPUTE),
    "dispute.decided": EventType("A dispute was upheld, rejected or found unverifiable.", DISPUTE),
    "dispute.corrected": EventType("An upheld dispute was corrected.", DISPUTE),
    "dispute.left_to_do": EventType("An upheld dispute is not corrected yet: something is left to do.", DISPUTE),
    "dispute.compensation_agreed": EventType("A compensation was agreed, or posted later.", DISPUTE),
    "dispute.compensated": EventType("The compensation was paid.", DISPUTE),
    "dispute.statement_added": EventType("The borrower added a statement of disagreement.", DISPUTE),
    "dispute.breached": EventType("The deadline has passed without a decision.", DISPUTE),
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
                "description": "The subject of the event.",
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
    """The event type of a change of status, or None. A payout emits its own events."""
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
