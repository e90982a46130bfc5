"""Ada pays off her loan: its page knows, the list of loans does not."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays off through the wallet, and looks at once."""
    told.paid_off(told.loan())


def repair(told: Told) -> None:
    """The page has the higher version: have the others made anew."""
    told.client.refresh_page(told.loans[0], operator="olga", memo="the list is behind the page")
