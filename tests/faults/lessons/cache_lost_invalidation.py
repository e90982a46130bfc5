"""Ada pays off her loan, and a week later the page has still not heard of it."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays off through the wallet, and looks a week later."""
    told.paid_off(told.loan())
    told.client.advance("P7D")


def repair(told: Told) -> None:
    """The books are right: have the page made anew."""
    told.client.refresh_page(told.loans[0], operator="olga", memo="the books are at a newer version")
