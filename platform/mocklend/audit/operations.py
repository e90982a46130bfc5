"""What staff and channels must do: answer in time, approve, order once, pay or refuse each payout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mocklend.audit.subjects import AuditedLoans
from mocklend.domain.finding import Discrepancy, Finding
from mocklend.domain.money import format_minor
from mocklend.domain.people import same_person
from mocklend.domain.statuses import EditState
from mocklend.storage.snapshot import Chosen, Snapshot, among
from mocklend.world.reading import RETURNED_MONEY

# None has an ORDER BY: without statistics SQLite prefers an index in that order to one of the loans.

# Overdue and not handled yet: until `taken_up_ms` staff cannot answer the dispute.
_UNANSWERED = """SELECT id, loan_id,
        (SELECT currency FROM loans l WHERE l.sandbox_id = disputes.sandbox_id AND l.id = disputes.loan_id)
    FROM disputes WHERE sandbox_id = :sandbox_id
    AND answer_by_ms <= :now_ms AND taken_up_ms > :now_ms AND {loans}"""
# The approver may be the operator under another spelling.
_UNAPPROVED = """SELECT id, loan_id, to_approve_minor,
        (SELECT currency FROM loans l WHERE l.sandbox_id = edits.sandbox_id AND l.id = edits.loan_id),
        operator, approver, state
    FROM edits WHERE sandbox_id = :sandbox_id AND to_approve_minor IS NOT NULL AND {loans}"""
# Payouts that will never settle: one that is in transit has a due time.
_STUCK = """SELECT id, loan_id, purpose, channel, amount_minor, currency FROM payouts
    WHERE sandbox_id = :sandbox_id AND state = 'ORDERED' AND due_ms IS NULL AND {loans}"""
# A due amount is debited by one order per attempt, and a client's request, by its key, is one order too. If one of two
# orders was returned since, and did not come back on the books, the break is repaired. A reversal of another entry
# than was meant is a break of its own.
_ORDERED_TWICE = " UNION ALL ".join(
    f"""SELECT MAX(id), loan_id, MAX(amount_minor), MAX(currency), '{what}' FROM repayments
    WHERE sandbox_id = :sandbox_id AND {column} IS NOT NULL AND {{loans}} AND id NOT IN ({RETURNED_MONEY})
    GROUP BY loan_id, {column} HAVING COUNT(*) > 1"""
    for column, what in (("debit_ms", "debit"), ("asked_key", "request"))
)


class _Unanswered(NamedTuple):
    id: str
    loan_id: str
    currency: str


class _Unapproved(NamedTuple):
    id: str
    loan_id: str
    amount_minor: int
    currency: str
    operator: str
    approver: str | None
    state: str


class _OrderedTwice(NamedTuple):
    id: str
    loan_id: str
    amount_minor: int
    currency: str
    what: str


class _Stuck(NamedTuple):
    id: str
    loan_id: str
    purpose: str
    channel: str
    amount_minor: int
    currency: str


def check_deadlines(snapshot: Snapshot, loans: Chosen) -> Iterator[Discrepancy]:
    """Find disputes that staff handle only after their answer was due: class `deadline_missed`."""
    sql = _UNANSWERED.format(loans=loans.by("loan_id"))
    for id, loan_id, currency in snapshot.rows(_Unanswered, sql, now_ms=snapshot.now_ms, **loans.parameters):
        detail = "staff handle it after its answer was due"
        yield Discrepancy(Finding("deadline_missed", id, 0), loan_id, currency, detail)


def check_approvals(snapshot: Snapshot, loans: Chosen) -> Iterator[Discrepancy]:
    """Find edits above the limit that no second person has approved: class `unapproved`."""
    sql = _UNAPPROVED.format(loans=loans.by("loan_id"))
    for edit in snapshot.rows(_Unapproved, sql, **loans.parameters):
        alone = edit.approver is None or same_person(edit.operator, edit.approver)
        if edit.state == EditState.APPLIED and alone:
            detail = "it needed the approval of a second person"
            yield Discrepancy(Finding("unapproved", edit.id, edit.amount_minor), edit.loan_id, edit.currency, detail)


def check_orders(group: AuditedLoans) -> Iterator[Discrepancy]:
    """Find two orders for one debit or one request: class `duplicate_in_channel`."""
    if not group.asked_twice:
        return
    loans = among(group.asked_twice)
    sql = _ORDERED_TWICE.format(loans=loans.by("loan_id"), orders_of=loans.by("b.loan_id"))
    for id, loan_id, amount_minor, currency, what in group.snapshot.rows(_OrderedTwice, sql, **loans.parameters):
        amount = format_minor(amount_minor, currency)
        detail = f"one debit of {amount} ordered twice" if what == "debit" else f"one request for {amount}, two orders"
        yield Discrepancy(Finding("duplicate_in_channel", id, amount_minor), loan_id, currency, detail)


def check_payouts(snapshot: Snapshot, loans: Chosen) -> Iterator[Discrepancy]:
    """Find payouts that were ordered and that nothing will settle: class `missing_in_channel`."""
    sql = _STUCK.format(loans=loans.by("loan_id"))
    for id, loan_id, purpose, channel, amount_minor, currency in snapshot.rows(_Stuck, sql, **loans.parameters):
        amount = format_minor(amount_minor, currency)
        detail = f"the books promised a {purpose} of {amount} that {channel} has neither paid nor refused"
        yield Discrepancy(Finding("missing_in_channel", id, amount_minor), loan_id, currency, detail)
