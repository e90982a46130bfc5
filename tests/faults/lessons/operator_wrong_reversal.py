"""Ada pays twice in a week, the second by mistake; the desk takes the first one back."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """Two payments of a loan, of which the second is to be reversed."""
    loan = told.loan()
    told.client.advance("P3D")
    told.repaid(told.client.repay(loan, 30_000, "wallet", "OVD_AND_CURRENT"))
    told.client.advance("P3D")
    twice = told.repaid(told.client.repay(loan, 20_000, "wallet", "OVD_AND_CURRENT"))
    told.client.reverse_repayment(twice, operator="olaf", memo=f"{twice} was a mistake")
    told.client.advance("PT1M")


def repair(told: Told) -> None:
    """Put the good one back, then reverse the other."""
    good, twice = told.repayments
    told.client.reinstate_repayment(good, operator="olga", memo="the wrong one was taken")
    told.client.reverse_repayment(twice, operator="olga", memo=f"{twice} was a mistake")
