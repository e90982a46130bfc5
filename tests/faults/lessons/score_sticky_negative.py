"""Ada's months are reported and the 6th comes, but her score is the one of the month before."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She borrows, pays an instalment when it is due, and the score is refreshed."""
    loan = run.loan()
    run.client.advance("P31D")
    run.repaid(run.client.repay_quote(run.client.quote(loan, "OVD_AND_CURRENT"), "wallet"))
    run.client.advance("P35D")
    run.note("score", lambda: run.client.credit_score(run.borrowers[0], transaction_id="a-mortgage"))


def repair(run: StoryRun) -> None:
    """Ask again when the memory is over."""
    run.client.advance("P1D")
