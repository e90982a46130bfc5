"""Ada pays off her loan, the wallet is answered 200, and the books hear nothing of it."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays off through the wallet."""
    run.paid_off(run.loan())


def repair(run: StoryRun) -> None:
    """Waiting does not help, since no retry comes. Ask the channel; post what it says."""
    run.client.advance("P4D")
    assert not run.client.audit()["clean"]
    run.client.query_repayment(run.repayments[0], operator="olga")
