"""Ada pays off her loan, and the page has not heard of it."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays off through the wallet, and looks at once."""
    told.paid_off(told.loan())


def repair(told: Told) -> None:
    """Wait for the bound."""
    told.client.advance("PT1M")
