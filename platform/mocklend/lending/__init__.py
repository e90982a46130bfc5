"""The commands of a loan as pure decisions: borrow, quote, repay, auto-debit and end of day."""

from mocklend.lending.auto_debit import AutoDebit
from mocklend.lending.borrow import AddBorrower, Borrow
from mocklend.lending.end_of_day import EndOfDay
from mocklend.lending.quotes import MakeQuote
from mocklend.lending.repay import Repay

__all__ = ["AddBorrower", "AutoDebit", "Borrow", "EndOfDay", "MakeQuote", "Repay"]
