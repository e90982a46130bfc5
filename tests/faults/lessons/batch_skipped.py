"""Ada pays nothing on her due date, and her loan is left out by the run after it."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She borrows, and five weeks go by."""
    run.loan()
    run.client.advance("P36D")


def repair(run: StoryRun) -> None:
    """Do what the run should have done."""
    run.client.catch_up(run.loans[0], operator="olga", memo="left out by the run")
