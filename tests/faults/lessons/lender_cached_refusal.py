"""Ada asks for a fresh look, and the other lender looks at its old copy."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She applies twice, the second time with a fresh report; her loan has been paid off between."""
    loan = run.loan()
    run.client.advance("P3D")
    run.note("partner", lambda: run.client.apply("swift-card", run.borrowers[0], "card", 100_000))
    run.paid_off(loan)
    run.client.advance("P3D")
    run.note("partner", lambda: run.client.apply("swift-card", run.borrowers[0], "card", 100_000, refresh=True))


def repair(run: StoryRun) -> None:
    """Apply again, with her letter."""
    run.client.apply("swift-card", run.borrowers[0], "card", 100_000, refresh=True)
