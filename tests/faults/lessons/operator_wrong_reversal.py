"""Ada pays twice in a week, the second by mistake; operations reverse the first."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """Two payments of a loan, of which the second is to be reversed."""
    loan = run.loan()
    run.client.advance("P3D")
    run.repaid(run.client.repay(loan, 30_000, "wallet", "OVD_AND_CURRENT"))
    run.client.advance("P3D")
    twice = run.repaid(run.client.repay(loan, 20_000, "wallet", "OVD_AND_CURRENT"))
    run.client.reverse_repayment(twice, operator="olaf", memo=f"{twice} was a mistake")
    run.client.advance("PT1M")


def repair(run: StoryRun) -> None:
    """Put the good one back, then reverse the other."""
    good, twice = run.repayments
    run.client.reinstate_repayment(good, operator="olga", memo="the wrong one was taken")
    run.client.reverse_repayment(twice, operator="olga", memo=f"{twice} was a mistake")
