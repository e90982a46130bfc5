"""Ada pays off her loan, and the page has not heard of it."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays off through the wallet, and looks at once."""
    run.paid_off(run.loan())


def repair(run: StoryRun) -> None:
    """Wait for the bound."""
    run.client.advance("PT1M")
