"""Ada pays nothing on her due date, and her loan comes late in a run that breaks off."""

from support.paired_runs import Told

SETTINGS = {"share_done_percent": 0}


def story(told: Told) -> None:
    """She borrows, and five weeks go by."""
    told.loan()
    told.client.advance("P36D")


def repair(told: Told) -> None:
    """Do what the run should have done."""
    told.client.catch_up(told.loans[0], operator="olga", memo="left out by the run")
