"""The checks of the thorough reconciler, one kind of evidence a file."""

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
    money.booked_as_something_else,
    money.left_by_a_quote,
    money.taken_back,
    money.stuck_payouts,
    money.debited_twice,
    money.ordered_twice,
    statements.late_or_unreadable,
    statements.the_same_row_again,
    pages.left_behind,
    pages.behind_the_books,
    pages.other_than_its_version,
    operator_log.overrides_that_the_books_contradict,
    operator_log.entries_that_nobody_made,
    operator_log.actions_that_nobody_approved,
    operator_log.reversals_of_something_else,
    operator_log.amounts_that_the_memo_contradicts,
    bureau.late_records,
    bureau.lost_corrections,
    bureau.old_scores,
    bureau.old_copies,
    disputes.overdue_answers,
    disputes.unposted_promises,
)
"""Every check, in the order in which they are asked: it takes the evidence and yields what it finds."""
