"""Ada was right, and is promised 50.00 that nobody posts."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """Her dispute is upheld and compensated."""
    loan = told.loan()
    dispute = told.client.open_dispute(loan, "other", statement="I was called at night")["id"]
    told.disputes.append(dispute)
    told.client.verify_dispute(dispute, operator="olga")
    told.client.decide_dispute(dispute, "UPHELD", operator="olga", memo="sorry", compensation_minor=5_000)


def repair(told: Told) -> None:
    """Post what was promised."""
    told.client.decide_dispute(told.disputes[0], "UPHELD", operator="olga", memo="posted", compensation_minor=5_000)
