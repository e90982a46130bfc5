"""Ada pays off her loan, and the wallet's message is heard at the third attempt."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays off through the wallet, whose first words nobody hears."""
    run.paid_off(run.loan())


def repair(run: StoryRun) -> None:
    """Wait as long as the channel's retry schedule takes, and do nothing."""
    run.client.advance("PT1H")
