"""A fee is waived for Ada, she pays off the rest, and the waiver is taken back."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """A fee, its waiver, the payment that clears the loan, and the cancellation of the waiver."""
    loan = run.loan()
    run.client.charge(loan, "fee", amount_minor=1_200, due_date="2026-01-20", operator="olaf", memo="a reminder")
    waived = run.client.waive(loan, "fee", amount_minor=1_200, operator="olaf", memo="goodwill, ticket 4711")
    total = run.client.quote(loan)["total_minor"]
    run.repaid(run.client.repay(loan, total, "wallet", type="OVD_AND_CURRENT"))
    run.client.reverse_edit(waived["id"], operator="olaf", memo="the ticket was somebody else's")


def repair(run: StoryRun) -> None:
    """The books ask for the fee: have the page rebuilt."""
    run.client.refresh_page(run.loans[0], operator="olga", memo="the waiver was taken back")
