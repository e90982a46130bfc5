"""The entities in the examples of all seams: Ada's loan of 1,000.00 yuan, its repayment, and the time."""

from __future__ import annotations

from dataclasses import dataclass

from mocklend.seams.seam import PageShown


@dataclass(frozen=True, slots=True)
class _Loan:
    id: str
    borrower_id: str
    currency: str


@dataclass(frozen=True, slots=True)
class _Repayment:
    id: str
    loan_id: str
    channel: str
    amount_minor: int
    currency: str


MONDAY_MS = 1_767_578_400_000
"""2026-01-05, 10:00 in Shanghai."""
DAY_MS = 86_400_000
LOAN = _Loan("loan_ada", "brw_ada", "CNY")
REPAYMENT = _Repayment("rpy_ada", "loan_ada", "wallet", 100_000, "CNY")
USING: PageShown = {"status": "USING", "outstanding_minor": 100_000, "version": 1}
CLEAR: PageShown = {"status": "CLEAR", "outstanding_minor": 0, "version": 2}
