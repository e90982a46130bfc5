"""What the platform's staff do: edits, reversals, and asking a channel what became of an order."""

from mocklend.servicing.edits import Edit, ReverseEdit
from mocklend.servicing.repayments import QueryChannel, ReverseRepayment

__all__ = ["Edit", "QueryChannel", "ReverseEdit", "ReverseRepayment"]
