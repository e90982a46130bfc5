"""The outbox: events for clients, written in the transaction that causes them, and the data that each carries."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mocklend.domain.statuses import DeliveryState
from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Certificate, Loan, OperatorEdit, Receipt, Repayment, Webhook
from mocklend.storage.work import Work
from mocklend.webhooks.events import EVENTS

EventValue = str | int | bool | None
EventData = dict[str, EventValue]
"""The `data` of an event: `EVENTS` says which fields each has, and `FIELDS` what they mean."""


def emit(work: Work, event: str, loan_id: str, about: str, data: Mapping[str, EventValue]) -> None:
    """Queue an event for every endpoint that wants it. `about` makes it one of its kind, as a version does."""
    assert tuple(data) == EVENTS[event].data, f"{event} has the fields that EVENTS says"
    wanted_by = [
        endpoint["id"]
        for endpoint in work.sandbox.endpoints
        if event in endpoint["events"] or "*" in endpoint["events"]
    ]
    if not wanted_by:
        return
    body = json.dumps({"type": event, "timestamp": rfc3339(work.now_ms), "data": data}, separators=(",", ":"))
    for endpoint_id in wanted_by:
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


def loan_data(loan: Loan) -> EventData:
    """A loan, as its events tell of it."""
    return {"loan_id": loan.id, "status": loan.status, "version": loan.version}


def repayment_data(order: Repayment) -> EventData:
    """A repayment, as its events tell of it."""
    return {
        "repayment_id": order.id,
        "loan_id": order.loan_id,
        "status": order.status,
        "amount_minor": order.amount_minor,
        "applied_minor": order.applied_minor,
        "overpaid_minor": order.overpaid_minor,
    }


def receipt_data(receipt: Receipt) -> EventData:
    """A receipt that is on a loan, as its events tell of it."""
    return {
        "receipt_id": receipt.id,
        "loan_id": receipt.loan_id,
        "state": receipt.state,
        "amount_minor": receipt.amount_minor,
    }


def edit_data(edit: OperatorEdit, loan: Loan) -> EventData:
    """An edit and the loan that it made, as events tell of them."""
    return {
        "loan_id": edit.loan_id,
        "edit_id": edit.id,
        "kind": edit.edit_kind,
        "state": edit.state,
        "status": loan.status,
        "version": loan.version,
    }


def certificate_data(certificate: Certificate, *, superseded: bool) -> EventData:
    """A certificate, as its events tell of it."""
    return {
        "certificate_id": certificate.id,
        "loan_id": certificate.loan_id,
        "number": certificate.number,
        "superseded": superseded,
    }
