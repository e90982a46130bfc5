"""Ada pays off her loan, sees it settled, and a minute later sees the debt again."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays off through the wallet, and looks twice."""
    loan = told.loan()
    told.paid_off(loan)
    told.note("page", lambda: told.client.loan(loan))
    told.client.advance("PT1M")


def repair(told: Told) -> None:
    """The old value has a version too, and it is the lower one: have the page refilled."""
    told.client.refresh_page(told.loans[0], operator="olga", memo="an old value has returned")
