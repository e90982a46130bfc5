"""The subject of a command by its id, or the refusal that it does not exist."""

from __future__ import annotations

from mocklend.domain.problems import Refused
from mocklend.storage.entities import Loan, Receipt, Repayment
from mocklend.storage.work import Loaded, Work

VALID_CERTIFICATES: Loaded[list[str]] = Loaded("valid_certificates")
"""By loan: the ids of the certificates that the books do not contradict."""


def require_loan(work: Work, loan_id: str) -> Loan:
    """The loan. Raises Refused `loan_unknown`."""
    loan = work.find(Loan, loan_id)
    if loan is None:
        raise Refused("loan_unknown", f"no loan {loan_id}", loan_id=loan_id)
    return loan


def require_repayment(work: Work, repayment_id: str) -> Repayment:
    """The repayment. Raises Refused `repayment_unknown`."""
    repayment = work.find(Repayment, repayment_id)
    if repayment is None:
        raise Refused("repayment_unknown", f"no repayment {repayment_id}", repayment_id=repayment_id)
    return repayment


def require_receipt(work: Work, receipt_id: str) -> Receipt:
    """A receipt of money without an order. Raises Refused `receipt_unknown`."""
    receipt = work.find(Receipt, receipt_id)
    if receipt is None:
        raise Refused("receipt_unknown", f"no receipt {receipt_id}", receipt_id=receipt_id)
    return receipt
