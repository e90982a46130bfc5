"""Ada disputes her bill, and three weeks later nobody has opened the letter."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """She says that her bill is wrong; after a week operations would take it up."""
    loan = run.loan()
    run.client.advance("P3D")
    dispute = run.client.open_dispute(loan, "wrong_amount")["id"]
    run.disputes.append(dispute)
    run.client.advance("P7D")
    run.answer_to(lambda: run.client.verify_dispute(dispute, operator="olga"))
    run.answer_to(lambda: run.client.decide_dispute(dispute, "REJECTED", operator="olga", memo="the bill is right"))
    run.client.advance("P14D")


def repair(run: StoryRun) -> None:
    """Operations decide it."""
    run.client.advance("P5D")
    run.client.verify_dispute(run.disputes[0], operator="olga")
    run.client.decide_dispute(run.disputes[0], "REJECTED", operator="olga", memo="the bill is right")
