"""Ada was right, and is promised 50.00 that nobody posts."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """Her dispute is upheld and compensated."""
    loan = run.loan()
    dispute = run.client.open_dispute(loan, "other", statement="I was called at night")["id"]
    run.disputes.append(dispute)
    run.client.verify_dispute(dispute, operator="olga")
    run.client.decide_dispute(dispute, "UPHELD", operator="olga", memo="sorry", compensation_minor=5_000)


def repair(run: StoryRun) -> None:
    """Post what was promised."""
    run.client.decide_dispute(run.disputes[0], "UPHELD", operator="olga", memo="posted", compensation_minor=5_000)
