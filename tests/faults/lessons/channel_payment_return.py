"""Ada pays off her loan, has her certificate, and her bank takes the money back."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She pays off through the wallet; five days go by."""
    loan = told.loan()
    told.paid_off(loan)
    told.note("certificate", lambda: told.client.issue_certificate(loan)["loan_id"])
    told.client.advance("P5D")


def repair(told: Told) -> None:
    """Ask the channel once more; take what it says."""
    told.client.query_repayment(told.repayments[0], operator="olga")
