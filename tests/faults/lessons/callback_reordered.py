"""Ada pays off her loan, and then hears that it was closed unpaid."""

from support.paired_runs import Told

SETTINGS = {"inbox": "believes"}


def story(told: Told) -> None:
    """She pays off through the wallet; what it thought before she paid arrives afterwards."""
    told.paid_off(told.loan())


def repair(told: Told) -> None:
    """The channel still says SUCCESS, so the reversal is taken back."""
    told.client.query_repayment(told.repayments[0], operator="olga")
