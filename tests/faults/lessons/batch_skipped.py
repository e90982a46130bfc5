"""Ada pays nothing on her due date, and her loan is left out by the run after it."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She borrows, and five weeks go by."""
    told.loan()
    told.client.advance("P36D")


def repair(told: Told) -> None:
    """Do what the run should have done."""
    told.client.catch_up(told.loans[0], operator="olga", memo="left out by the run")
