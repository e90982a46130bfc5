"""Ada pays off her loan, sees it settled, and a minute later sees the debt again."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays off through the wallet, and looks twice."""
    loan = run.loan()
    run.paid_off(loan)
    run.note("page", lambda: run.client.loan(loan))
    run.client.advance("PT1M")


def repair(run: StoryRun) -> None:
    """The old value has a version too, and it is the lower one: have the page refilled."""
    run.client.refresh_page(run.loans[0], operator="olga", memo="an old value has returned")
