"""Ada pays off her loan, and a week later the page has still not heard of it."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays off through the wallet, and looks a week later."""
    run.paid_off(run.loan())
    run.client.advance("P7D")


def repair(run: StoryRun) -> None:
    """The books are right: have the page rebuilt."""
    run.client.refresh_page(run.loans[0], operator="olga", memo="the books are at a newer version")
