"""Posting a fact to a loan's books: journal, projection and status page change together, only here.

fact ──▶ in order?  ── yes ──▶ apply it to the stored state, post its movements
             │
             no (backdated, or a reversal): replay everything, correct the journal to match
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
from mocklend.views.render import LoanDoc, conflicting_override
from mocklend.webhooks.events import AdjustedEditData, DisbursedData, OverrideEndedData, status_event
from mocklend.webhooks.outbox import certificate_data, emit, loan_data, repayment_data

MONEY = ("repayment", "receipt")
"""Kinds of reversed subjects that a certificate may depend on."""
DEBIT_HOURS = (10, 14, 18)
"""Hours of a due date at which auto-debit is tried. A lender's public pages say from 10:00; overdue after 18:00."""


class LoanAfterFact(Struct, frozen=True):
    """A loan after a fact: its entity, which is already put, its state, and the status page of that version."""

    loan: Loan
    state: LoanState
    page: LoanDoc


def post_fact(
    work: Work,
    loan: Loan,
    fact: Fact,
    *,
    cause: str,
    channel: str | None = None,
    reverses: str | None = None,
    override: StatusOverride | None = None,
) -> LoanAfterFact:
    """Post a fact to the books and update the projection. `override` is a status that this fact sets by hand,
    `reverses` the kind of subject that a reversal reverses.

    Callers must `signal(recorded(loan.id))` first, so that injections that this fact supersedes are closed before new
    ones open.
    """
    today = business_date(work.now_ms, work.sandbox.zone)
    state = state_of(loan)
    head, loan_before = Head(loan.next_seq, loan.head_hash), loan
    edits_before: Mapping[str, int] | None = None
    if state.follows(fact):
        apply_fact(state, fact)
        state.roll_forward(today)
        head = post(work, loan.id, loan.currency, head, state.movements)
    else:
        facts = [*work.load(BOOK_FACTS, loan.id), fact]
        # A booking may be dated tomorrow: everything that is on the books counts, whatever its date.
        state = replay(terms_of(loan), facts, max(today, state.as_of, fact.on))
        posted_before = live(work.load(JOURNALS, loan.id))
        edits_before = _moved_by_edits(posted.movement for posted in posted_before)
        head = repost(work, loan.id, loan.currency, head, posted_before, state.movements)
        _reallocate_others(work, fact, state)
    append(work, BOOKS, loan.id, fact, version=loan.version + 1)
    if loan.status_override and fact.reverses == loan.status_override.edit_id:
        loan = replace(loan, status_override=None)
    after = update_projection(
        work, loan, state, head, cause=cause, channel=channel, reverses=reverses, override=override
    )
    if edits_before is not None:
        _emit_adjusted_edits(work, after.loan, fact, edits_before, _moved_by_edits(state.movements))
    if loan_before.status == LoanStatus.CLEAR and (
        after.loan.status != LoanStatus.CLEAR or reverses in MONEY or cause == "payment_return"
    ):
        _emit_superseded_certificates(work, after.loan)
    return after


def _moved_by_edits(movements: Iterable[Movement]) -> dict[str, int]:
    """How much each edit of a loan moves between accounts."""
    by_edit: dict[str, int] = {}
    for movement in movements:
        if movement.ref.startswith("edt_"):
            by_edit[movement.ref] = by_edit.get(movement.ref, 0) + sum(amount for _, _, amount in movement.postings)
    return by_edit


def _emit_adjusted_edits(
    work: Work, loan: Loan, fact: Fact, before: Mapping[str, int], after: Mapping[str, int]
) -> None:
    """Emit `loan.edit_adjusted` for each edit whose amount this fact has changed.

    A late receipt that is dated before a waiver may leave less to waive. The edit then applies as far as it can, and
    the client gets an event, since nobody requested that. The caller emits the event of the fact itself.
    """
    for edit_id in sorted({*before, *after} - {fact.id, fact.reverses}):
        was_minor, is_minor = before.get(edit_id, 0), after.get(edit_id, 0)
        if was_minor != is_minor:
            data: AdjustedEditData = {
                "loan_id": loan.id, "edit_id": edit_id, "status": loan.status, "version": loan.version,
                "was_minor": was_minor, "is_minor": is_minor,
            }  # fmt: skip
            emit(work, "loan.edit_adjusted", loan.id, f"{edit_id}.{loan.version}", data)


def _emit_superseded_certificates(work: Work, loan: Loan) -> None:
    """Emit `certificate.superseded` for certificates of a loan that is unsettled again or whose money was returned."""
    if not work.sandbox.endpoints:
        return  # Without endpoints there is no event, and the certificates need not be loaded.
    for id in work.load(VALID_CERTIFICATES, loan.id):
        certificate = work.get(Certificate, id)
        payload = certificate_data(certificate, superseded=True)
        emit(work, "certificate.superseded", loan.id, f"{id}.{loan.version}", payload)


def _reallocate_others(work: Work, fact: Fact, state: LoanState) -> None:
    """Update other repayments whose applied and overpaid parts a backdated fact has changed."""
    for repayment_id, (applied, over) in state.applied.items():
        if repayment_id != booked(fact.id):
            other = work.find(Repayment, repayment_id)
            if other is None:
                continue  # A push payment: it has no order that stores the split.
            if (other.applied_minor, other.overpaid_minor) != (applied, over):
                other = replace(other, applied_minor=applied, overpaid_minor=over)
                work.put(other)
                if (
                    other.status == RepaymentStatus.SUCCEEDED
                ):  # Otherwise a command is restoring it, and emits the event.
                    about = f"{other.id}.{other.loan_id}.{fact.id}"
                    emit(work, "repayment.reallocated", other.loan_id, about, repayment_data(other))


def update_projection(
    work: Work,
    loan: Loan,
    state: LoanState,
    head: Head,
    *,
    cause: str,
    channel: str | None = None,
    reverses: str | None = None,
    override: StatusOverride | None = None,
) -> LoanAfterFact:
    """Store the new projection, refresh the status page, emit an event if the status has changed."""
    before, former = loan.status, loan.status_override
    override = (
        _dated(work, loan, override, state) if override else _remaining_override(work, loan, state, cause, channel)
    )
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
    loan, page = refresh(work, loan, state, cause=cause, channel=channel, reverses=reverses)
    work.put(loan)
    if before in (LoanStatus.SUBMITTED, LoanStatus.LENDING) and state.disbursed:
        disbursed: DisbursedData = {**loan_data(loan), "principal_minor": loan.principal_minor}
        emit(work, "loan.disbursed", loan.id, loan.id, disbursed)
    if before != loan.status:
        look_at(work, loan.id, loan.borrower_id)
    event_type = status_event(before, loan.status)
    if event_type:
        emit(work, event_type, loan.id, f"{loan.id}.{loan.version}", loan_data(loan))
    if former is not None and override is None:
        ended: OverrideEndedData = {
            "loan_id": loan.id, "edit_id": former.edit_id, "status": loan.status, "version": loan.version,
        }  # fmt: skip
        emit(work, "loan.status_override_ended", loan.id, f"{former.edit_id}.{loan.version}", ended)
    return LoanAfterFact(loan, state, page)


def _dated(work: Work, loan: Loan, override: StatusOverride, state: LoanState) -> StatusOverride:
    """The override with the moment and version since which the books derive another status; None where they agree."""
    if SHOWN_FOR_OVERRIDE[override.status] == state.status:
        return replace(override, since_ms=None, since_version=None)
    if override.since_ms is not None:
        return override
    return replace(override, since_ms=work.now_ms, since_version=loan.version + 1)


def _remaining_override(
    work: Work, loan: Loan, state: LoanState, cause: str, channel: str | None
) -> StatusOverride | None:
    """The override that remains: a change after which the books derive another status outdates it."""
    override = loan.status_override
    if override is None:
        return None
    if conflicting_override(loan):
        work.signal(recorded(loan.id))  # One command may post two facts.
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
    """The loan with its next end of day, the day after a due date, and its next auto-debit on a due date."""
    zone = work.sandbox.zone
    # A loan that one end of day has skipped waits for the next one.
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
    """The moment (ms) of a fact that was decided on the present books: later than every fact on them.

    Facts of one millisecond are ordered by id, so a waiver could otherwise take effect before the fee that it waives.
    """
    return work.now_ms if (work.now_ms, fact_id) > state.last else state.last[0] + 1


def state_of(loan: Loan) -> LoanState:
    """The books' projection of a loan. It is a new object: the caller may change it."""
    return load(terms_of(loan), loan.state)


def terms_of(loan: Loan) -> Terms:
    """The agreed terms of a loan."""
    return Terms(
        loan.id, loan.currency, loan.principal_minor, date.fromisoformat(loan.start_date), product_of(loan.product)
    )


@lru_cache(maxsize=256)
def product_of(stored: str) -> Product:
    """The product of a loan, from its stored JSON. Products are few and loans many, so decoded products are cached."""
    return msgspec.json.decode(stored, type=Product)
