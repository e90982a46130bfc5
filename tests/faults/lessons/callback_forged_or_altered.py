"""Ada pays off her loan, and the message that arrives is signed by somebody else."""

from typing import Any


def story(told: Any) -> None:
    """She pays off through the wallet."""
    told.paid_off(told.loan())


def repair(told: Any) -> None:
    """Post nothing. The wallet tries again, and that message is its own."""
    told.client.advance("PT1H")
