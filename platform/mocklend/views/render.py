"""A loan as JSON: what the status page and the list of instalments say. Pure."""

from __future__ import annotations

from typing import Any

from mocklend.domain.replay import Instalment, LoanState
from mocklend.domain.statuses import SHOWN_FOR_OVERRIDE, InstalmentStatus
from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.storage.entities import Loan
from mocklend.storage.values import StatusOverride


def overridden_status(loan: Loan) -> str | None:
    """The status that an operator's mark pins on the page, if one does."""
    return SHOWN_FOR_OVERRIDE[loan.status_override.status] if loan.status_override else None


def conflicting_override(loan: Loan) -> StatusOverride | None:
    """The override that shows another status than the books derive, if one does."""
    return loan.status_override if overridden_status(loan) != loan.status else None


def loan_doc(loan: Loan, state: LoanState, as_of_ms: int) -> dict[str, Any]:
    """The status page."""
    return {
        "id": loan.id,
        "borrower_id": loan.borrower_id,
        "reference": loan.reference,
        "product_id": loan.product_id,
        "currency": loan.currency,
        "status": overridden_status(loan) or state.status,
        "principal_minor": loan.principal_minor,
        "outstanding_minor": state.outstanding_minor,
        "outstanding_principal_minor": state.outstanding_principal_minor,
        "overdue_minor": state.overdue_minor,
        "overpaid_minor": state.overpaid_minor,
        "paid_minor": state.paid_minor,
        "next_due": next_due(state),
        "disbursed_at": maybe_rfc3339(loan.disbursed_ms),
        "version": loan.version,
        "as_of": rfc3339(as_of_ms),
    }


def next_due(state: LoanState) -> dict[str, Any] | None:
    """The next instalment that asks for money, and how much it will have asked for on its due date."""
    for instalment in state.instalments:
        if instalment.due_date >= state.as_of:
            due = instalment.outstanding + to_come(state, instalment) - instalment.interest_ahead
            if due:
                return {"n": instalment.n, "due_date": instalment.due_date.isoformat(), "due_minor": due}
    return None


def to_come(state: LoanState, instalment: Instalment) -> int:
    """Interest that this instalment will still accrue if every instalment before it is paid when due."""
    return 0 if state.outstanding_minor == 0 else state.interest_to_come(instalment)


def instalment_docs(state: LoanState) -> list[dict[str, Any]]:
    """Every instalment with what it asks for and what it has got."""
    return [_instalment_doc(state, instalment) for instalment in state.instalments]


def _instalment_doc(state: LoanState, i: Instalment) -> dict[str, Any]:
    interest = i.interest + to_come(state, i)
    penalty = i.penalty_principal + i.penalty_interest
    due = i.principal + interest + i.fee + penalty
    paid = i.paid + i.interest_ahead  # It came in for interest that is still to accrue.
    left = due - paid
    if left == 0:
        status = InstalmentStatus.CLEAR
    elif state.late(i, state.as_of):
        status = InstalmentStatus.OVD
    elif paid:
        status = InstalmentStatus.PARTIAL
    else:
        status = InstalmentStatus.DUE if i.from_date <= state.as_of else InstalmentStatus.PENDING
    return {
        "n": i.n,
        "from_date": i.from_date.isoformat(),
        "due_date": i.due_date.isoformat(),
        "status": status,
        "due_minor": due,
        "paid_minor": paid,
        "principal_minor": i.principal,
        "interest_minor": interest,
        "fee_minor": i.fee,
        "penalty_minor": penalty,
        "principal_paid_minor": i.principal_paid,
        "interest_paid_minor": i.interest_paid + i.interest_ahead,
        "fee_paid_minor": i.fee_paid,
        "penalty_paid_minor": i.penalty_principal_paid + i.penalty_interest_paid,
    }
