"""Recording a fact on a loan's books: the one place where the journal, the projection and the page move together.

fact ──▶ in order?  ── yes ──▶ take it on the stored state, post what it moves
             │
             no (backdated, or a reversal): replay everything, make the journal say that
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mocklend.domain.facts import Fact, Terms, booked, business_date, midnight_ms
from mocklend.domain.instalment import Movement
from mocklend.domain.product import Product
from mocklend.domain.replay import LoanState, apply_fact, dump, load, replay
from mocklend.domain.statuses import SHOWN_FOR_OVERRIDE, LoanStatus, RepaymentStatus
from mocklend.ledger.journal import JOURNALS, Head, live, post, repost
from mocklend.lending.reporting import look_at
from mocklend.lending.required import VALID_CERTIFICATES
from mocklend.seams.about import about_loan
from mocklend.seams.override_outdated import OverrideOutdated
from mocklend.seams.signals import cleared, recorded
from mocklend.storage.entities import Certificate, Loan, Repayment
from mocklend.storage.facts import BOOK_FACTS, BOOKS, append
from mocklend.storage.values import StatusOverride
from mocklend.storage.work import Work
from mocklend.views.pages import refresh
from mocklend.views.render import conflicting_override
from mocklend.webhooks.events import status_event
from mocklend.webhooks.outbox import EventData, certificate_data, emit, loan_data, repayment_data

MONEY = ("repayment", "receipt")
"""What a reversal takes back that a certificate may rest on."""
DEBIT_HOURS = (10, 14, 18)
"""When auto-deduction is tried on a due date. Pages of one lender say from 10:00, and overdue after 18:00."""


class Recorded(Struct, frozen=True):
    """A loan after a fact: its entity, already put, and its state."""

    loan: Loan
    state: LoanState


def record(
    work: Work,
    loan: Loan,
    fact: Fact,
    *,
    cause: str,
    channel: str | None = None,
    reverses: str | None = None,
    override: StatusOverride | None = None,
) -> Recorded:
    """Put a fact on the books and show the result. `override` is for a status that this fact sets by hand,
    `reverses` for what a reversal takes back.

    The caller has signalled `recorded` before: what this fact outdates ends before what it brings begins.
    """
    today = business_date(work.now_ms, work.sandbox.zone)
    state = state_of(loan)
    head, was = Head(loan.next_seq, loan.head_hash), loan
    edits_before: Mapping[str, int] | None = None
    if state.follows(fact):
        apply_fact(state, fact)
        state.roll_forward(today)
        head = post(work, loan.id, loan.currency, head, state.movements)
    else:
        facts = [*work.load(BOOK_FACTS, loan.id), fact]
        # A booking may already be dated tomorrow: what is on the books counts, whatever day it is.
        state = replay(terms_of(loan), facts, max(today, state.as_of, fact.on))
        standing = live(work.load(JOURNALS, loan.id))
        edits_before = _moved_by_edits(posted.movement for posted in standing)
        head = repost(work, loan.id, loan.currency, head, standing, state.movements)
        _settle_others(work, fact, state)
    append(work, BOOKS, loan.id, fact, version=loan.version + 1)
    if loan.status_override and fact.reverses == loan.status_override.edit_id:
        loan = replace(loan, status_override=None)
    after = show(work, loan, state, head, cause=cause, channel=channel, reverses=reverses, override=override)
    if edits_before is not None:
        _tell_of_edits(work, after, fact, edits_before, _moved_by_edits(state.movements))
    if was.status == LoanStatus.CLEAR and (
        after.status != LoanStatus.CLEAR or reverses in MONEY or cause == "payment_return"
    ):
        _tell_of_certificates(work, after)
    return Recorded(after, state)


def _moved_by_edits(movements: Iterable[Movement]) -> dict[str, int]:
    """How much each edit of a loan moves between accounts."""
    moved: dict[str, int] = {}
    for movement in movements:
        if movement.ref.startswith("edt_"):
            moved[movement.ref] = moved.get(movement.ref, 0) + sum(amount for _, _, amount in movement.postings)
    return moved


def _tell_of_edits(work: Work, loan: Loan, fact: Fact, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Money that came before an edit and was heard of after it may leave nothing to waive, or less than was waived.

    The edit does what it still can. Nobody asked for that, so the client is told. What the fact itself takes back or
    brings is told by whoever records it.
    """
    for edit_id in sorted({*before, *after} - {fact.id, fact.reverses}):
        was_minor, is_minor = before.get(edit_id, 0), after.get(edit_id, 0)
        if was_minor != is_minor:
            data: EventData = {
                "loan_id": loan.id, "edit_id": edit_id, "status": loan.status, "version": loan.version,
                "was_minor": was_minor, "is_minor": is_minor,
            }  # fmt: skip
            emit(work, "loan.edit_adjusted", loan.id, f"{edit_id}.{loan.version}", data)


def _tell_of_certificates(work: Work, loan: Loan) -> None:
    """What was certified as settled is not any more, or was settled by money that has been taken back."""
    if not work.sandbox.endpoints:
        return  # Nobody listens, so nobody need be asked what was issued.
    for id in work.load(VALID_CERTIFICATES, loan.id):
        certificate = work.get(Certificate, id)
        told = certificate_data(certificate, superseded=True)
        emit(work, "certificate.superseded", loan.id, f"{id}.{loan.version}", told)


def _settle_others(work: Work, fact: Fact, state: LoanState) -> None:
    """A fact in the past may change how much of a later repayment settled something and how much was too much."""
    for repayment_id, (applied, over) in state.applied.items():
        if repayment_id != booked(fact.id):
            other = work.find(Repayment, repayment_id)
            if other is None:
                continue  # A push payment: it has no order that could say how it was split.
            if (other.applied_minor, other.overpaid_minor) != (applied, over):
                other = replace(other, applied_minor=applied, overpaid_minor=over)
                work.put(other)
                if (
                    other.status == RepaymentStatus.SUCCEEDED
                ):  # Otherwise it is coming back, and whoever brings it tells of it.
                    about = f"{other.id}.{other.loan_id}.{fact.id}"
                    emit(work, "repayment.reallocated", other.loan_id, about, repayment_data(other))


def show(
    work: Work,
    loan: Loan,
    state: LoanState,
    head: Head,
    *,
    cause: str,
    channel: str | None = None,
    reverses: str | None = None,
    override: StatusOverride | None = None,
) -> Loan:
    """Keep the new projection, refresh the page, tell the client of a change of status."""
    before, former = loan.status, loan.status_override
    override = _dated(work, loan, override, state) if override else _left_of_override(work, loan, state, cause, channel)
    if state.disbursed and loan.disbursed_ms is None:
        loan = replace(loan, disbursed_ms=work.now_ms)
    loan = replace(
        loan,
        version=loan.version + 1,
        status=state.status,
        outstanding_principal_minor=state.outstanding_principal_minor,
        state=dump(state),
        next_seq=head.next_seq,
        head_hash=head.hash,
        status_override=override,
        missed_ms=None,
    )
    if loan.status == LoanStatus.CLEAR and before != LoanStatus.CLEAR:
        loan = replace(loan, cleared_version=loan.version)
        work.signal(cleared(loan.id))
    loan = reschedule(work, loan, state)
    loan = refresh(work, loan, state, cause=cause, channel=channel, reverses=reverses)
    work.put(loan)
    if before in (LoanStatus.SUBMITTED, LoanStatus.LENDING) and state.disbursed:
        told = loan_data(loan) | {"principal_minor": loan.principal_minor}
        emit(work, "loan.disbursed", loan.id, loan.id, told)
    if before != loan.status:
        look_at(work, loan.id, loan.borrower_id)
    event_type = status_event(before, loan.status)
    if event_type:
        emit(work, event_type, loan.id, f"{loan.id}.{loan.version}", loan_data(loan))
    if former is not None and override is None:
        told = {"loan_id": loan.id, "edit_id": former.edit_id, "status": loan.status, "version": loan.version}
        emit(work, "loan.status_override_ended", loan.id, f"{former.edit_id}.{loan.version}", told)
    return loan


def _dated(work: Work, loan: Loan, override: StatusOverride, state: LoanState) -> StatusOverride:
    """An override with the moment and version since which the books derive another status than it shows, if they do."""
    if SHOWN_FOR_OVERRIDE[override.status] == state.status:
        return replace(override, since_ms=None, since_version=None)
    if override.since_ms is not None:
        return override
    return replace(override, since_ms=work.now_ms, since_version=loan.version + 1)


def _left_of_override(
    work: Work, loan: Loan, state: LoanState, cause: str, channel: str | None
) -> StatusOverride | None:
    """An override holds while the books derive what it shows. What makes them derive something else outdates it."""
    override = loan.status_override
    if override is None:
        return None
    if conflicting_override(loan):
        work.signal(recorded(loan.id))  # One command may record twice.
    event = OverrideOutdated(
        **about_loan(work.now_ms, loan, loan.version + 1),
        edit_id=override.edit_id,
        cause=cause,
        channel=channel,
        override_status=SHOWN_FOR_OVERRIDE[override.status],
        books_status=state.status,
    )
    holds = event.override_status == event.books_status or not work.at(event).dropped
    return _dated(work, loan, override, state) if holds else None


def reschedule(work: Work, loan: Loan, state: LoanState) -> Loan:
    """When the loan has to be looked at next: the day after a due date, and for auto-deduction the due date itself."""
    zone = work.sandbox.zone
    # A loan that a run has left out waits for the next one.
    since = date.min if loan.missed_ms is None else business_date(work.now_ms, zone)
    roll_forward = state.next_change(since)
    debit_ms = None
    if loan.auto_debit and roll_forward is not None:
        attempts = (
            midnight_ms(i.due_date, zone) + hour * 3_600_000
            for i in state.instalments
            if i.due_date >= state.as_of
            for hour in DEBIT_HOURS
        )
        debit_ms = next((at_ms for at_ms in attempts if at_ms > work.now_ms), None)
    return replace(loan, due_ms=midnight_ms(roll_forward, zone) if roll_forward else None, debit_ms=debit_ms)


def next_fact_time(work: Work, state: LoanState, fact_id: str) -> int:
    """The moment of a fact that was decided on what the books say now: after everything that they say it from.

    Facts of one millisecond are ordered by id, so a waiver could otherwise take effect before the fee that it waives.
    """
    return work.now_ms if (work.now_ms, fact_id) > state.last else state.last[0] + 1


def state_of(loan: Loan) -> LoanState:
    """The books' projection of a loan, fresh: the caller may change it."""
    return load(terms_of(loan), loan.state)


def terms_of(loan: Loan) -> Terms:
    """What was agreed."""
    return Terms(
        loan.id, loan.currency, loan.principal_minor, date.fromisoformat(loan.start_date), product_of(loan.product)
    )


@lru_cache(maxsize=256)
def product_of(stored: str) -> Product:
    """The product that a loan was made on. Products are few and loans many, so they are read once."""
    return msgspec.json.decode(stored, type=Product)
