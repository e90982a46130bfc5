"""The outbox: events for clients, written in the transaction that causes them, and the data of each."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mocklend.domain.statuses import DeliveryState
from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Certificate, Loan, OperatorEdit, Receipt, Repayment, Webhook
from mocklend.storage.work import Work
from mocklend.webhooks.events import EVENTS, CertificateData, EditData, LoanData, ReceiptData, RepaymentData


def emit(work: Work, event: str, loan_id: str, about: str, data: Mapping[str, object]) -> None:
    """Queue an event for every endpoint that subscribes to it. `about` makes its id unique, as a version does."""
    assert tuple(data) == EVENTS[event].fields, f"{event} must have the fields in EVENTS"
    endpoints = work.sandbox.endpoints
    if not endpoints:
        return
    subscribers = [endpoint["id"] for endpoint in endpoints if event in endpoint["events"] or "*" in endpoint["events"]]
    if not subscribers:
        return
    body = json.dumps({"type": event, "timestamp": rfc3339(work.now_ms), "data": data}, separators=(",", ":"))
    for endpoint_id in subscribers:
        work.put(
            Webhook(
                id=make_id("msg", work.sandbox.seed, endpoint_id, event, about),
                endpoint_id=endpoint_id,
                loan_id=loan_id,
                event=event,
                body=body,
                state=DeliveryState.QUEUED,
                attempts=0,
                log=(),
                queued_ms=work.now_ms,
                due_ms=work.now_ms,
                acked_ms=None,
            )
        )


def loan_data(loan: Loan) -> LoanData:
    """The `data` of a loan's events."""
    return {"loan_id": loan.id, "status": loan.status, "version": loan.version}


def repayment_data(order: Repayment) -> RepaymentData:
    """The `data` of a repayment's events."""
    return {
        "repayment_id": order.id,
        "loan_id": order.loan_id,
        "status": order.status,
        "amount_minor": order.amount_minor,
        "applied_minor": order.applied_minor,
        "overpaid_minor": order.overpaid_minor,
    }


def receipt_data(receipt: Receipt) -> ReceiptData:
    """The `data` of the events of a receipt on a loan."""
    assert receipt.loan_id is not None, "the events are of receipts on loans"
    return {
        "receipt_id": receipt.id,
        "loan_id": receipt.loan_id,
        "state": receipt.state,
        "amount_minor": receipt.amount_minor,
    }


def edit_data(edit: OperatorEdit, loan: Loan) -> EditData:
    """The `data` of an edit's events; `loan` is the loan after the edit."""
    return {
        "loan_id": edit.loan_id,
        "edit_id": edit.id,
        "kind": edit.edit_kind,
        "state": edit.state,
        "status": loan.status,
        "version": loan.version,
    }


def certificate_data(certificate: Certificate, *, superseded: bool) -> CertificateData:
    """The `data` of a certificate's events."""
    return {
        "certificate_id": certificate.id,
        "loan_id": certificate.loan_id,
        "number": certificate.number,
        "superseded": superseded,
    }
