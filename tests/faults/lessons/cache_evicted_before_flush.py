"""Ada repays twice in advance, and the first repayment disappears from the page with the second."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """50.00, then 60.00, through the wallet."""
    loan = run.loan()
    for amount_minor in (5_000, 6_000):
        run.repaid(run.client.repay(loan, amount_minor, "wallet", type="OVD_AND_CURRENT"))


def repair(run: StoryRun) -> None:
    """The journal has both: have the balance rebuilt from it."""
    run.client.refresh_page(run.loans[0], operator="olga", memo="the journal has 50.00 that the page has not")
