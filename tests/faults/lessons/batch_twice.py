"""Ada's instalment is debited by two servers at once."""

from support.paired_runs import Told


def story(told: Told) -> None:
    """She borrows with auto-debit; her first due date passes."""
    told.loan(auto_debit=True)
    told.trades.append(("auto_debit", "none"))  # So that the channel's statements are read.
    told.client.advance("P32D")


def repair(told: Told) -> None:
    """One of the two debits is taken back."""
    debits = told.client.repayments(told.loans[0])["repayments"]
    told.client.reverse_repayment(max(debit["id"] for debit in debits), operator="olga", memo="debited twice")
