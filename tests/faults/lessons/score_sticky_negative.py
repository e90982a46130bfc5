"""Ada's months are reported and the 6th comes, but her score is the one of the month before."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She borrows, pays an instalment when it is due, and the score is made anew."""
    loan = told.loan()
    told.client.advance("P31D")
    told.repaid(told.client.repay_quote(told.client.quote(loan, "OVD_AND_CURRENT"), "wallet"))
    told.client.advance("P35D")
    told.note("score", lambda: told.client.credit_score(told.borrowers[0], transaction_id="a-mortgage"))


def repair(told: Told) -> None:
    """Ask again when the memory is over."""
    told.client.advance("P1D")
