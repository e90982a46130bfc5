"""Ada pays late in the evening of the due date; for the books it is tomorrow."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """What is due is paid at eleven in the evening, and two days pass."""
    loan = run.loan()
    due = run.client.instalments(loan)["instalments"][0]["due_date"]
    run.client.advance(to=f"{due}T15:00:00Z")
    quote = run.client.quote(loan, "OVD_AND_CURRENT")
    run.repaid(run.client.repay_quote(quote, "wallet"))
    run.client.advance("P2D")


def repair(run: StoryRun) -> None:
    """The channel's moment decides."""
    run.client.rebook_repayment(run.repayments[0], operator="olga", memo="paid on the due date")
