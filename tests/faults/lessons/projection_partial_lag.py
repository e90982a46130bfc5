"""Ada pays off her loan: its page knows, the list of loans does not."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays off through the wallet, and looks at once."""
    run.paid_off(run.loan())


def repair(run: StoryRun) -> None:
    """The page has the higher version: have the others rebuilt."""
    run.client.refresh_page(run.loans[0], operator="olga", memo="the list is behind the page")
