"""Ada pays nothing on her due date, and her loan comes late in a run that breaks off."""

from support.paired_runs import StoryRun

SETTINGS = {"share_done_percent": 0}


def story(run: StoryRun) -> None:
    """She borrows, and five weeks go by."""
    run.loan()
    run.client.advance("P36D")


def repair(run: StoryRun) -> None:
    """Do what the run should have done."""
    run.client.catch_up(run.loans[0], operator="olga", memo="left out by the run")
