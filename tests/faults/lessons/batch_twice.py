"""Ada's instalment is debited by two servers at once."""

from typing import Any


def story(told: Any) -> None:
    """She borrows with auto-debit; her first due date passes."""
    told.loan(auto_debit=True)
    told.trades.append(("auto_debit", "none"))  # So that the channel's statements are read.
    told.client.advance("P32D")


def repair(told: Any) -> None:
    """One of the two debits is taken back."""
    debits = told.client.repayments(told.loans[0])["repayments"]
    told.client.reverse_repayment(max(one["id"] for one in debits), operator="olga", memo="debited twice")
