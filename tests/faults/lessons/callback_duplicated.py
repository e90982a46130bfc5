"""Ada pays an instalment, and the wallet tells of it a second time under another number."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """A part of the loan, through the wallet."""
    run.repaid(run.client.repay(run.loan(), 10_000, "wallet", type="OVD_AND_CURRENT"))


def repair(run: StoryRun) -> None:
    """The bill has one row and the books two receipts: reverse the second."""
    [second] = run.client.receipts()["receipts"]
    run.client.reverse_receipt(second["id"], operator="olga", memo="one row on the bill, two receipts")
