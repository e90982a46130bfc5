"""Ada pays off her loan, and the wallet's message is heard at the third attempt."""

from typing import Any


def story(told: Any) -> None:
    """She pays off through the wallet, whose first words nobody hears."""
    told.paid_off(told.loan())


def repair(told: Any) -> None:
    """Wait as long as the channel's ladder takes, and do nothing."""
    told.client.advance("PT1H")
