"""The credit bureau: the lender's reports, the score derived from them, and other lenders that decide by both."""

from mocklend.bureau.partners import Apply
from mocklend.bureau.reporting import ReportAccount, correct, flag_disputed, unflag_disputed
from mocklend.bureau.scores import AskScore

__all__ = ["Apply", "AskScore", "ReportAccount", "correct", "flag_disputed", "unflag_disputed"]
