"""Ada pays off her loan, and the wallet's message is heard at the third attempt."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays off through the wallet, whose first words nobody hears."""
    told.paid_off(told.loan())


def repair(told: Told) -> None:
    """Wait as long as the channel's retry schedule takes, and do nothing."""
    told.client.advance("PT1H")
