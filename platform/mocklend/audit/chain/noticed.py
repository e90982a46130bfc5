"""What the platform's own monitoring has noticed of one loan and of the money that belongs to it."""

from __future__ import annotations

from mocklend.audit.chain.subject import Subject
from mocklend.monitoring.alerts import AlertDoc


def noticed(subject: Subject) -> list[AlertDoc]:
    """The alerts about the loan, its orders, receipts, payouts and disputes."""
    return []
