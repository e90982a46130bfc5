"""Every event that a client can receive, with the fields of each.

The API's event names and the tables and schemas of the documentation are derived from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, TypedDict

from mocklend.documents import schema_of
from mocklend.domain.nouns import JsonObject, says
from mocklend.domain.statuses import LoanStatus

LoanId = Annotated[str, says("The loan that the event is about.")]
Status = Annotated[str, says("The status of the loan, or for `repayment.*` of the repayment, after the event.")]
Version = Annotated[int, says("The version of the loan after the event.")]
AmountMinor = Annotated[int, says("The whole amount of the repayment, receipt or refund, in minor units.")]
EditId = Annotated[str, says("The operator's edit that the event is about.")]
PayoutId = Annotated[str, says("The payout that the event is about.")]
State = Annotated[str, says("The state of the edit, receipt, payout or dispute, after the event.")]


class LoanData(TypedDict):
    """A loan."""

    loan_id: LoanId
    status: Status
    version: Version


class DisbursedData(LoanData):
    """A loan that was paid out."""

    principal_minor: Annotated[int, says("The principal, in minor units.")]


class PayoutFailedData(LoanData):
    """A loan that cannot be paid out."""

    payout_id: PayoutId


class EditData(TypedDict):
    """An edit, and the loan after it."""

    loan_id: LoanId
    edit_id: EditId
    kind: Annotated[str, says("The kind of edit.")]
    state: State
    status: Status
    version: Version


class AdjustedEditData(TypedDict):
    """An edit whose amount a backdated change has altered."""

    loan_id: LoanId
    edit_id: EditId
    status: Status
    version: Version
    was_minor: Annotated[int, says("The amount that the edit moved on the books before, in minor units.")]
    is_minor: Annotated[
        int, says("The amount that the edit moves on the books now, in minor units. 0: it has no effect.")
    ]


class OverrideEndedData(TypedDict):
    """A status override that has ended, and the loan after it."""

    loan_id: LoanId
    edit_id: EditId
    status: Status
    version: Version


class RepaymentData(TypedDict):
    """A repayment."""

    repayment_id: Annotated[str, says("The repayment that the event is about.")]
    loan_id: LoanId
    status: Status
    amount_minor: AmountMinor
    applied_minor: Annotated[int, says("The part of the repayment that settled buckets, in minor units.")]
    overpaid_minor: Annotated[int, says("The overpaid part of the repayment, in minor units.")]


class ReceiptData(TypedDict):
    """A receipt on a loan."""

    receipt_id: Annotated[str, says("The receipt that the event is about.")]
    loan_id: LoanId
    state: State
    amount_minor: AmountMinor


class MovedReceiptData(ReceiptData):
    """A receipt that was moved; `loan_id` is the loan that had it."""

    to_loan_id: Annotated[str, says("The loan that has the receipt now.")]


class RefundData(TypedDict):
    """A refund."""

    loan_id: LoanId
    payout_id: PayoutId
    state: State
    amount_minor: AmountMinor


class AgreedRefundData(RefundData):
    """A refund that was agreed by an edit."""

    edit_id: EditId


class CertificateData(TypedDict):
    """A settlement certificate."""

    certificate_id: Annotated[str, says("The certificate that the event is about.")]
    loan_id: LoanId
    number: Annotated[str, says("The certificate's printed number.")]
    superseded: Annotated[bool, says("Whether a later change of the books supersedes the certificate.")]


class DisputeData(TypedDict):
    """A step of a dispute."""

    dispute_id: Annotated[str, says("The dispute that the event is about.")]
    loan_id: LoanId
    state: State
    note: Annotated[str, says("The note that the event adds to the dispute's progress.")]


@dataclass(frozen=True)
class EventType:
    """A type of event: when it is sent, and the document that is its `data`."""

    when: str
    data: type[Mapping[str, object]]

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The fields of its `data`, in their order."""
        return tuple(self.data.__annotations__)


EVENTS: dict[str, EventType] = {
    "loan.accepted": EventType("A loan was granted, and its payout ordered at a channel.", LoanData),
    "loan.disbursed": EventType("A loan was paid out.", DisbursedData),
    "loan.payout_failed": EventType("A loan's payout has failed and is not tried again.", PayoutFailedData),
    "loan.overdue": EventType("A loan went overdue.", LoanData),
    "loan.cured": EventType("Nothing is overdue any more, and the loan is still open.", LoanData),
    "loan.cleared": EventType("The loan is settled.", LoanData),
    "loan.reopened": EventType("A loan that was settled or written off is open again, and not overdue.", LoanData),
    "loan.written_off": EventType("The amount owed was written off.", LoanData),
    "loan.edited": EventType("An operator's edit was posted or reversed.", EditData),
    "loan.edit_adjusted": EventType(
        "A backdated change has altered the amount that an edit moves.",
        AdjustedEditData,
    ),
    "loan.status_override_ended": EventType("A status override has ended.", OverrideEndedData),
    "repayment.ordered": EventType("A repayment was ordered, by a client or by auto-debit.", RepaymentData),
    "repayment.succeeded": EventType("A repayment is on the books.", RepaymentData),
    "repayment.failed": EventType("A repayment was reversed on the books because it was not paid.", RepaymentData),
    "repayment.reversed": EventType("An operator reversed a repayment.", RepaymentData),
    "repayment.reinstated": EventType("An operator reversed the reversal of a repayment.", RepaymentData),
    "repayment.rebooked": EventType(
        "A repayment was booked again, as ordered and at the time of payment.", RepaymentData
    ),
    "repayment.reallocated": EventType("A backdated change has altered what a repayment settles.", RepaymentData),
    "repayment.returned": EventType("A channel returned the money of a repayment.", RepaymentData),
    "receipt.applied": EventType("Money without an order was applied to a loan.", ReceiptData),
    "receipt.moved": EventType("A receipt was moved to another loan.", MovedReceiptData),
    "receipt.reversed": EventType("A receipt that was posted twice was reversed.", ReceiptData),
    "receipt.returned": EventType("A channel returned the money of a receipt.", ReceiptData),
    "refund.agreed": EventType("A refund of overpaid money was agreed.", AgreedRefundData),
    "refund.paid": EventType("A refund was paid through its channel.", RefundData),
    "certificate.issued": EventType("A settlement certificate was issued.", CertificateData),
    "certificate.superseded": EventType("A later change of the books supersedes a certificate.", CertificateData),
    "dispute.opened": EventType("A dispute was received.", DisputeData),
    "dispute.marked": EventType("The credit report marks the loan as disputed.", DisputeData),
    "dispute.verified": EventType("The evidence was compared with the channels and the books.", DisputeData),
    "dispute.decided": EventType("A dispute was upheld, rejected or found unverifiable.", DisputeData),
    "dispute.corrected": EventType("An upheld dispute was corrected.", DisputeData),
    "dispute.left_to_do": EventType("An upheld dispute is not completely corrected yet.", DisputeData),
    "dispute.compensation_agreed": EventType("A compensation was agreed, or posted later.", DisputeData),
    "dispute.compensated": EventType("The compensation was paid.", DisputeData),
    "dispute.statement_added": EventType("The borrower added a statement of disagreement.", DisputeData),
    "dispute.breached": EventType("The deadline has passed without a decision.", DisputeData),
}
"""Every type of event. A change that a client can see is one of these, in the commit that makes it."""


FIELDS: Mapping[str, JsonObject] = {
    name: field for event in EVENTS.values() for name, field in schema_of(event.data, "{name}")["properties"].items()
}
"""The fields of all events' `data`, by name: the JSON Schema of each, with its meaning."""


def payload_schema(event: str) -> JsonObject:
    """The JSON Schema of an event's request body."""
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
            "data": schema_of(EVENTS[event].data, "{name}") | {"description": "The subject of the event."},
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
