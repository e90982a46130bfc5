"""Ada's loan is granted, and the transfer never arrives."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She borrows, to be paid out by bank transfer; four days go by."""
    told.loan(disburse_to="bank_transfer")
    told.trades.append(("bank_transfer", "none"))  # So that the channel's statements are read.
    told.client.advance("P4D")


def repair(told: Told) -> None:
    """The channel is asked, and says that it will not pay."""
    [payout] = told.client.payouts(told.loans[0])["payouts"]
    told.client.fail_payout(payout["channel"], payout["id"])
