"""Disputes: overdue answers, and compensations that were not posted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found


def overdue_answers(evidence: Evidence) -> Iterator[Found]:
    """Disputes whose answer is overdue, and which staff have not handled yet."""
    for case in evidence.cases:
        for dispute in case.disputes:
            due, taken_up = (datetime.fromisoformat(dispute[name]) for name in ("due_at", "taken_up_at"))
            if due <= evidence.now < taken_up:
                yield case.found("deadline_missed", dispute["id"], 0, "escalate", f"owed by {dispute['due_at']}")


def unposted_compensations(evidence: Evidence) -> Iterator[Found]:
    """Compensations that were agreed, and for which the books have no payout."""
    for case in evidence.cases:
        for dispute in case.disputes:
            if dispute["compensation_id"] is not None and dispute["payout_id"] is None:
                amount_minor = dispute["compensation_minor"]
                detail = f"promised with dispute {dispute['id']}"
                yield case.found("missing_in_books", dispute["compensation_id"], amount_minor, "compensate", detail)
