"""Ada pays off her loan, and the wallet's message is lost for good."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays off through the wallet, which tells nobody."""
    told.paid_off(told.loan())


def repair(told: Told) -> None:
    """Ask the channel; post what it says."""
    told.client.query_repayment(told.repayments[0], operator="olga")
