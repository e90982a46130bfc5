"""Ada pays off her loan and reloads the page: settled, unpaid, settled."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays off through the wallet, and reads the page twice."""
    loan = run.loan()
    run.paid_off(loan)
    run.note("page", lambda: run.client.loan(loan))
    run.note("page", lambda: run.client.loan(loan))


def repair(run: StoryRun) -> None:
    """Keep to the newest version that was seen, until the second replica has it too."""
    run.client.advance("PT5M")
