"""Ada pays late in the evening of the due date; for the books it is tomorrow."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """What is due is paid at eleven in the evening, and two days pass."""
    loan = told.loan()
    due = told.client.instalments(loan)["instalments"][0]["due_date"]
    told.client.advance(to=f"{due}T15:00:00Z")
    quote = told.client.quote(loan, "OVD_AND_CURRENT")
    told.repaid(told.client.repay_quote(quote, "wallet"))
    told.client.advance("P2D")


def repair(told: Told) -> None:
    """The channel's moment decides."""
    told.client.rebook_repayment(told.repayments[0], operator="olga", memo="paid on the due date")
