"""A loan as JSON: the documents of the status page and of the list of instalments. Pure."""

from __future__ import annotations

from typing import Annotated, TypedDict

import msgspec

from mocklend.domain.nouns import (
    AsOf,
    BorrowerId,
    ClientReference,
    Currency,
    LoanStatus,
    PageVersion,
    PrincipalMinor,
    one_of,
    says,
)
from mocklend.domain.replay import Instalment, LoanState
from mocklend.domain.statuses import SHOWN_FOR_OVERRIDE, InstalmentStatus
from mocklend.sandboxes.timestamps import maybe_rfc3339, rfc3339
from mocklend.storage.entities import Loan
from mocklend.storage.values import StatusOverride


def overridden_status(loan: Loan) -> str | None:
    """The status that a status override makes the page show, or None."""
    return SHOWN_FOR_OVERRIDE[loan.status_override.status] if loan.status_override else None


def conflicting_override(loan: Loan) -> StatusOverride | None:
    """The status override that shows another status than the books derive, or None."""
    return loan.status_override if overridden_status(loan) != loan.status else None


class NextDue(TypedDict):
    """The next instalment with an unpaid amount."""

    n: Annotated[int, says("The instalment's number, from 1.")]
    due_date: Annotated[str, says("Its due date, like 2026-01-05, in the sandbox's zone.")]
    due_minor: Annotated[int, says("The amount unpaid on that day if nothing more is paid, in minor units.")]


class LoanDoc(TypedDict):
    """A loan's status page."""

    id: Annotated[str, says("The loan's id.")]
    borrower_id: BorrowerId
    reference: ClientReference
    product_id: Annotated[str | None, says("The id of its predefined product; null if the client defined its terms.")]
    currency: Currency
    status: LoanStatus
    principal_minor: PrincipalMinor
    outstanding_minor: Annotated[int, says("The total owed now, in minor units of `currency`.")]
    outstanding_principal_minor: Annotated[int, says("The principal part of it, in minor units of `currency`.")]
    overdue_minor: Annotated[int, says("The overdue amount, in minor units of `currency`.")]
    overpaid_minor: Annotated[int, says("The overpaid amount that is not refunded, in minor units of `currency`.")]
    paid_minor: Annotated[int, says("The total paid, in minor units of `currency`.")]
    next_due: Annotated[NextDue | None, says("The next instalment with an unpaid amount; null where there is none.")]
    disbursed_at: Annotated[
        str | None, says("When the loan was paid out; null until then. RFC 3339, on the sandbox's clock.")
    ]
    version: PageVersion
    as_of: AsOf


def loan_doc(loan: Loan, state: LoanState, as_of_ms: int) -> LoanDoc:
    """The document of the status page at `as_of_ms`."""
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


read_page = msgspec.json.Decoder(LoanDoc).decode
"""Decodes the stored text of a status page."""


def next_due(state: LoanState) -> NextDue | None:
    """The next instalment with an unpaid amount, and what will be unpaid on its due date. None where there is none."""
    for instalment in state.instalments:
        if instalment.due_date >= state.as_of:
            due = instalment.outstanding + to_come(state, instalment) - instalment.interest_ahead
            if due:
                return {"n": instalment.n, "due_date": instalment.due_date.isoformat(), "due_minor": due}
    return None


def to_come(state: LoanState, instalment: Instalment) -> int:
    """The minor units of interest that this instalment will still accrue if all earlier ones are paid when due."""
    return state.interest_to_come(instalment) if state.owes else 0


class InstalmentDoc(TypedDict):
    """An instalment with its charged and paid amounts."""

    n: Annotated[int, says("The instalment's number, from 1.")]
    from_date: Annotated[str, says("The first day of its period, like 2026-01-05, in the sandbox's zone.")]
    due_date: Annotated[str, says("Its due date, like 2026-01-05, in the sandbox's zone.")]
    status: Annotated[
        str,
        one_of(
            InstalmentStatus,
            "PENDING before its period, DUE in it, PARTIAL if a part is paid, CLEAR if it is paid, "
            "OVD if it is overdue.",
        ),
    ]
    due_minor: Annotated[int, says("The total charged on it, paid or not, in minor units.")]
    paid_minor: Annotated[int, says("The total paid on it, in minor units.")]
    principal_minor: Annotated[int, says("Its principal, in minor units.")]
    interest_minor: Annotated[int, says("Its interest, in minor units.")]
    fee_minor: Annotated[int, says("Its fees, in minor units.")]
    penalty_minor: Annotated[int, says("Its penalty, in minor units.")]
    principal_paid_minor: Annotated[int, says("Principal paid, in minor units.")]
    interest_paid_minor: Annotated[int, says("Interest paid, in minor units.")]
    fee_paid_minor: Annotated[int, says("Fees paid, in minor units.")]
    penalty_paid_minor: Annotated[int, says("Penalty paid, in minor units.")]


def instalment_docs(state: LoanState) -> list[InstalmentDoc]:
    """The document of every instalment."""
    return [_instalment_doc(state, instalment) for instalment in state.instalments]


def _instalment_doc(state: LoanState, i: Instalment) -> InstalmentDoc:
    interest = i.interest + to_come(state, i)
    penalty = i.penalty_principal + i.penalty_interest
    due = i.principal + interest + i.fee + penalty
    paid = i.paid + i.interest_ahead  # `interest_ahead` was paid for later interest.
    if due == paid:
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
