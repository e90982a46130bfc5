"""Ada's loan is carried over from an old system, with 7 cents less than she was lent."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She borrows. Nothing else has happened."""
    told.loan()


def repair(told: Told) -> None:
    """Nothing is behind the opening entry: take it back."""
    [edit] = told.client.edits(told.loans[0])["edits"]
    told.client.reverse_edit(edit["id"], operator="olga", memo="no receipt, no decision, no act")
