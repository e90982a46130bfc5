"""Ada disputes her bill, and three weeks later nobody has opened the letter."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She says that her bill is wrong; after a week the desk would take it up."""
    loan = told.loan()
    told.client.advance("P3D")
    dispute = told.client.open_dispute(loan, "wrong_amount")["id"]
    told.disputes.append(dispute)
    told.client.advance("P7D")
    told.asked(lambda: told.client.verify_dispute(dispute, operator="olga"))
    told.asked(lambda: told.client.decide_dispute(dispute, "REJECTED", operator="olga", memo="the bill is right"))
    told.client.advance("P14D")


def repair(told: Told) -> None:
    """The desk gets to it."""
    told.client.advance("P5D")
    told.client.verify_dispute(told.disputes[0], operator="olga")
    told.client.decide_dispute(told.disputes[0], "REJECTED", operator="olga", memo="the bill is right")
