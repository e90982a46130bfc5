"""Ada pays off her loan, and then hears that it was closed unpaid."""

from support.paired_runs import StoryRun

SETTINGS = {"inbox": "believes"}


def story(run: StoryRun) -> None:
    """She pays off through the wallet; what it thought before she paid arrives afterwards."""
    run.paid_off(run.loan())


def repair(run: StoryRun) -> None:
    """The channel still says SUCCESS, so the reversal is taken back."""
    run.client.query_repayment(run.repayments[0], operator="olga")
