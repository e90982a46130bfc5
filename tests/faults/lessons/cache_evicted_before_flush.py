"""Ada repays twice in advance, and the first repayment disappears from the page with the second."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """50.00, then 60.00, through the wallet."""
    loan = told.loan()
    for amount_minor in (5_000, 6_000):
        told.repaid(told.client.repay(loan, amount_minor, "wallet", type="OVD_AND_CURRENT"))


def repair(told: Told) -> None:
    """The journal has both: have the balance made anew from it."""
    told.client.refresh_page(told.loans[0], operator="olga", memo="the journal has 50.00 that the page has not")
