"""Ada pays off her loan, and the wallet's message is lost for good."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays off through the wallet, which tells nobody."""
    run.paid_off(run.loan())


def repair(run: StoryRun) -> None:
    """Ask the channel; post what it says."""
    run.client.query_repayment(run.repayments[0], operator="olga")
