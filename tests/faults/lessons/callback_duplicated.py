"""Ada pays an instalment, and the wallet tells of it a second time under another number."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """A part of the loan, through the wallet."""
    told.repaid(told.client.repay(told.loan(), 10_000, "wallet", type="OVD_AND_CURRENT"))


def repair(told: Told) -> None:
    """The bill has one row and the books two receipts: reverse the second."""
    [second] = told.client.receipts()["receipts"]
    told.client.reverse_receipt(second["id"], operator="olga", memo="one row on the bill, two receipts")
