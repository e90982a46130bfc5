"""Ada pays off her loan, and the message that arrives is signed by somebody else."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays off through the wallet."""
    run.paid_off(run.loan())


def repair(run: StoryRun) -> None:
    """Post nothing. The wallet tries again, and that message is its own."""
    run.client.advance("PT1H")
