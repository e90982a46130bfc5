"""What a command is about, by its id, or the refusal that there is none."""

from __future__ import annotations

from mocklend.domain.problems import Refused
from mocklend.storage.entities import Loan, Receipt, Repayment
from mocklend.storage.work import Loaded, Work

VALID_CERTIFICATES: Loaded[list[str]] = Loaded("valid_certificates")
"""By loan: the certificates that nothing on the books speaks against, by id."""


def require_loan(work: Work, loan_id: str) -> Loan:
    """The loan, or a refusal."""
    loan = work.find(Loan, loan_id)
    if loan is None:
        raise Refused("loan_unknown", f"no loan {loan_id}", loan_id=loan_id)
    return loan


def require_repayment(work: Work, repayment_id: str) -> Repayment:
    """The repayment, or a refusal."""
    repayment = work.find(Repayment, repayment_id)
    if repayment is None:
        raise Refused("repayment_unknown", f"no repayment {repayment_id}", repayment_id=repayment_id)
    return repayment


def require_receipt(work: Work, receipt_id: str) -> Receipt:
    """The receipt of money that came without an order, or a refusal."""
    receipt = work.find(Receipt, receipt_id)
    if receipt is None:
        raise Refused("receipt_unknown", f"no receipt {receipt_id}", receipt_id=receipt_id)
    return receipt
