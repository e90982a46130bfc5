"""Ada pays off her loan, has her certificate, and her bank takes the money back."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays off through the wallet; five days go by."""
    loan = run.loan()
    run.paid_off(loan)
    run.note("certificate", lambda: run.client.issue_certificate(loan)["loan_id"])
    run.client.advance("P5D")


def repair(run: StoryRun) -> None:
    """Ask the channel once more; take what it says."""
    run.client.query_repayment(run.repayments[0], operator="olga")
