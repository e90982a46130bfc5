"""A fee is waived for Ada, she pays off the rest, and the waiver is taken back."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """A fee, its waiver, the payment that clears the loan, and the cancellation of the waiver."""
    loan = told.loan()
    told.client.charge(loan, "fee", amount_minor=1_200, due_date="2026-01-20", operator="olaf", memo="a reminder")
    waived = told.client.waive(loan, "fee", amount_minor=1_200, operator="olaf", memo="goodwill, ticket 4711")
    total = told.client.quote(loan)["total_minor"]
    told.repaid(told.client.repay(loan, total, "wallet", type="OVD_AND_CURRENT"))
    told.client.reverse_edit(waived["id"], operator="olaf", memo="the ticket was somebody else's")


def repair(told: Told) -> None:
    """The books ask for the fee: have the page made anew."""
    told.client.refresh_page(told.loans[0], operator="olga", memo="the waiver was taken back")
