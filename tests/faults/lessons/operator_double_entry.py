"""Ada pays an instalment, and operations post it by hand although the wallet has reported it."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """A part of the loan, through the wallet."""
    run.repaid(run.client.repay(run.loan(), 10_000, "wallet", type="OVD_AND_CURRENT"))


def repair(run: StoryRun) -> None:
    """One trade, one receipt: the one by hand goes."""
    [by_hand] = run.client.receipts()["receipts"]
    assert by_hand["payer_reference"] == "by hand"
    run.client.reverse_receipt(by_hand["id"], operator="olga", memo="the callback had brought it")
