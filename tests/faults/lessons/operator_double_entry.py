"""Ada pays an instalment, and the desk posts it by hand although the wallet has told of it."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """A part of the loan, through the wallet."""
    told.repaid(told.client.repay(told.loan(), 10_000, "wallet", type="OVD_AND_CURRENT"))


def repair(told: Told) -> None:
    """One trade, one receipt: the one by hand goes."""
    [by_hand] = told.client.receipts()["receipts"]
    assert by_hand["payer_reference"] == "by hand"
    told.client.reverse_receipt(by_hand["id"], operator="olga", memo="the callback had brought it")
