"""Ada pays off her loan, and the page has not heard of it."""

from typing import Any


def story(told: Any) -> None:
    """She pays off through the wallet, and looks at once."""
    told.paid_off(told.loan())


def repair(told: Any) -> None:
    """Wait for the bound."""
    told.client.advance("PT1M")
