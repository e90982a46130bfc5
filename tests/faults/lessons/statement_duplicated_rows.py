"""Ada pays through the wallet, whose file has a row twice."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She pays off; the next morning the statement is fetched."""
    run.paid_off(run.loan())
    run.client.advance("P1D")


def repair(run: StoryRun) -> None:
    """The channel makes the file again."""
    run.client.remake_statement("wallet", "2026-01-05")
