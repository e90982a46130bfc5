"""The commands, decided purely: borrow, quote, repay, and what the passing of time does to a loan."""

from mocklend.lending.auto_debit import AutoDebit
from mocklend.lending.borrow import AddBorrower, Borrow
from mocklend.lending.end_of_day import EndOfDay
from mocklend.lending.quotes import MakeQuote
from mocklend.lending.repay import Repay

__all__ = ["AddBorrower", "AutoDebit", "Borrow", "EndOfDay", "MakeQuote", "Repay"]
