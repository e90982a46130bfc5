"""Webhooks to clients: written to the outbox in the transaction that causes them, delivered by `channels.delivery`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.moments import rfc3339
from mocklend.storage.entities import Webhook
from mocklend.storage.work import Work

EVENTS = (
    "dispute.opened",
    "dispute.marked",
    "dispute.verified",
    "dispute.decided",
    "dispute.corrected",
    "dispute.left_to_do",
    "dispute.compensated",
    "dispute.breached",
    "loan.disbursed",
    "loan.overdue",
    "loan.cleared",
    "loan.reopened",
    "loan.edited",
    "loan.written_off",
    "refund.agreed",
    "receipt.applied",
    "receipt.reversed",
    "repayment.succeeded",
    "repayment.failed",
    "repayment.reversed",
    "repayment.late_failed",
    "receipt.late_failed",
    "loan.payout_failed",
)


def emit(work: Work, event: str, loan_id: str, about: str, data: Mapping[str, Any]) -> None:
    """Queue an event for every endpoint that wants it. `about` makes it one of its kind, as a version does."""
    for endpoint in json.loads(work.sandbox.endpoints):
        if "*" not in endpoint["events"] and event not in endpoint["events"]:
            continue
        body = {"type": event, "timestamp": rfc3339(work.now_ms), "data": dict(data)}
        work.put(
            Webhook(
                id=make_id("msg", work.sandbox.seed, endpoint["id"], event, about),
                endpoint_id=endpoint["id"],
                loan_id=loan_id,
                event=event,
                body=json.dumps(body, separators=(",", ":")),
                state="QUEUED",
                attempts=0,
                log="[]",
                queued_ms=work.now_ms,
                due_ms=work.now_ms,
                acked_ms=None,
            )
        )


def status_event(before: str, after: str) -> str | None:
    """The event that a change of status is."""
    if before == after:
        return None
    if after == "OVD":
        return "loan.overdue"
    if after == "CLEAR":
        return "loan.cleared"
    return "loan.reopened" if before == "CLEAR" else None
