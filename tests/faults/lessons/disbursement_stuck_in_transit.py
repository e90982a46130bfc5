"""Ada's loan is granted, and the transfer never arrives."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She borrows, to be paid out by bank transfer; four days go by."""
    run.loan(disburse_to="bank_transfer")
    run.trades.append(("bank_transfer", "none"))  # So that the channel's statements are read.
    run.client.advance("P4D")


def repair(run: StoryRun) -> None:
    """The channel is asked, and says that it will not pay."""
    [payout] = run.client.payouts(run.loans[0])["payouts"]
    run.client.fail_payout(payout["channel"], payout["id"])
