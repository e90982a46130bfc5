"""The credit bureau: what the lender reports, the score made of it, and other lenders that decide by both."""

from mocklend.bureau.partners import Apply
from mocklend.bureau.reporting import ReportAccount, correct, flag_disputed, unflag_disputed
from mocklend.bureau.scores import AskScore

__all__ = ["Apply", "AskScore", "ReportAccount", "correct", "flag_disputed", "unflag_disputed"]
