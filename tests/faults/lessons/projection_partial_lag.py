"""Ada pays off her loan: its page knows, the list of loans does not."""

from typing import Any


def story(told: Any) -> None:
    """She pays off through the wallet, and looks at once."""
    told.paid_off(told.loan())


def repair(told: Any) -> None:
    """The page has the higher version: have the others made anew."""
    told.client.refresh_page(told.loans[0], operator="olga", memo="the list is behind the page")
