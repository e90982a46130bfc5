"""The checks of the thorough reconciler, one file per kind of evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mocklend.reconcilers.checks import bureau, disputes, money, operator_log, pages, statements
from mocklend.reconcilers.evidence import Evidence
from mocklend.reconcilers.found import Found

Check = Callable[[Evidence], Iterable[Found]]

CHECKS: tuple[Check, ...] = (
    money.ordered_and_not_booked,
    money.paid_and_not_booked,
    money.unidentified,
    money.booked_twice,
    money.on_another_loan,
    money.booked_differently,
    money.left_by_a_quote,
    money.taken_back,
    money.stuck_payouts,
    money.debited_twice,
    money.ordered_twice,
    statements.late_or_unreadable,
    statements.repeated_rows,
    pages.left_behind,
    pages.behind_the_books,
    pages.wrong_amount,
    operator_log.overrides_that_the_books_contradict,
    operator_log.edits_without_log_entry,
    operator_log.edits_without_approval,
    operator_log.reversals_of_another_repayment,
    operator_log.amounts_that_the_memo_contradicts,
    bureau.late_records,
    bureau.lost_corrections,
    bureau.old_scores,
    bureau.old_copies,
    disputes.overdue_answers,
    disputes.unposted_compensations,
)
"""Every check in the order in which they run. A check takes the evidence and yields findings."""
