"""Ada's loan is carried over from an old system, with 7 cents less than she was lent."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She borrows. Nothing else has happened."""
    run.loan()


def repair(run: StoryRun) -> None:
    """Nothing is behind the opening entry: take it back."""
    [edit] = run.client.edits(run.loans[0])["edits"]
    run.client.reverse_edit(edit["id"], operator="olga", memo="no receipt, no decision, no act")
