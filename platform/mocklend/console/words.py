"""The words of the console for codes of the platform: each code is shown beside its word."""

from __future__ import annotations

from mocklend.domain.statuses import LoanStatus
from mocklend.language import message

LOAN_STATUS = {
    LoanStatus.SUBMITTED: message("Submitted"),
    LoanStatus.LENDING: message("Being paid out"),
    LoanStatus.FAILED: message("Payout failed"),
    LoanStatus.USING: message("Unpaid"),
    LoanStatus.OVD: message("Overdue"),
    LoanStatus.CLEAR: message("Settled"),
    LoanStatus.OFF: message("Written off"),
}
"""What a borrower reads, by the status's code."""
