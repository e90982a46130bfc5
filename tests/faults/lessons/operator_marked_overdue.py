"""Ada pays an instalment, and a clerk marks her bill overdue from yesterday's list."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays in advance, through the wallet."""
    run.repaid(run.client.repay(run.loan(), 10_000, "wallet", type="OVD_AND_CURRENT"))


def repair(run: StoryRun) -> None:
    """The mark contradicts the books: take it back."""
    [edit] = run.client.edits(run.loans[0])["edits"]
    run.client.reverse_edit(edit["id"], operator="olga", memo="the journal shows no debt")
