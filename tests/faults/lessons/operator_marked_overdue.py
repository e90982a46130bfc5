"""Ada pays an instalment, and a clerk marks her bill overdue from yesterday's list."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays in advance, through the wallet."""
    told.repaid(told.client.repay(told.loan(), 10_000, "wallet", type="OVD_AND_CURRENT"))


def repair(told: Told) -> None:
    """The mark contradicts the books: take it back."""
    [edit] = told.client.edits(told.loans[0])["edits"]
    told.client.reverse_edit(edit["id"], operator="olga", memo="the journal shows no debt")
