"""Books against what is shown, loan by loan: the status page, status overrides, the credit report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from mocklend.bureau.checks import differs_from_books_now
from mocklend.domain.bureau import LAG_MS, OPEN, standing_on
from mocklend.domain.facts import Fact, business_date, midnight_ms
from mocklend.domain.money import format_minor
from mocklend.domain.sentences import SentenceDoc, sentence
from mocklend.domain.statuses import LoanStatus
from mocklend.language import message
from mocklend.lending.books import state_of, terms_of
from mocklend.monitoring.seen import BUREAU_SLACK_MS, PAGE_BOUND_MS, Seen
from mocklend.storage.entities import BureauRecord, Loan, OperatorEdit
from mocklend.storage.facts import BOOKS, facts_of
from mocklend.storage.snapshot import Snapshot
from mocklend.views.render import conflicting_override

PAGE_EMPTY = message("the page shows nothing, the books are at version {version} ({status}, {outstanding})")
PAGE_BEHIND = message(
    "the page shows version {page_version} ({page_status}, {page_outstanding}), "
    "the books are at version {version} ({status}, {outstanding})"
)
OVERRIDDEN = message("{operator}'s edit {edit} set the status {set_status}, the books derive {status}")
NOT_REPORTED = message("the credit report says nothing, the books said {status}")
REPORTED_OTHERWISE = message("record {record} of {date} says {set_status}, the books said {status}")
REWRITTEN = message("record {record} of {date} tells {months}, and the books of those months have been changed since")
AT_ONCE = 200
"""Loans that are loaded together, so that memory stays bounded."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A version of a loan that the page shows, or will show."""

    version: int
    made_ms: int
    visible_ms: int
    status: str
    outstanding_minor: int


@dataclass(frozen=True, slots=True)
class Case:
    """A loan, and what is shown of it."""

    loan: Loan
    facts: Sequence[Fact]
    recorded_ms: Mapping[str, int]
    shown: Sequence[Shown]
    override: OperatorEdit | None
    published: BureauRecord | None
    zone: str
    now_ms: int


_SHOWN = """SELECT loan_id, version, made_ms, visible_ms, status, doc FROM loan_views
    WHERE sandbox_id = :sandbox_id AND loan_id >= :first AND loan_id <= :last ORDER BY loan_id, version"""
_PUBLISHED = """SELECT r.id FROM bureau_records r
    WHERE r.sandbox_id = :sandbox_id AND r.loan_id >= :first AND r.loan_id <= :last
      AND r.version = (SELECT MAX(n.version) FROM bureau_records n
        WHERE n.sandbox_id = r.sandbox_id AND n.loan_id = r.loan_id AND n.published_ms <= :now_ms)"""
_RECORDED = "SELECT loan_id, id, recorded_ms FROM book_facts WHERE sandbox_id = :sandbox_id AND loan_id"
_IDS = "SELECT id FROM loans WHERE sandbox_id = :sandbox_id AND id > :after ORDER BY id LIMIT :most"


class _Recorded(NamedTuple):
    loan_id: str
    id: str
    recorded_ms: int


class _Version(NamedTuple):
    loan_id: str
    version: int
    made_ms: int
    visible_ms: int
    status: str
    doc: str


def loans_to_look_at(snapshot: Snapshot) -> Iterator[Case]:
    """Yield every loan, by id."""
    after = ""
    while ids := snapshot.ids(_IDS, after=after, most=AT_ONCE):
        after = ids[-1]
        yield from cases(snapshot, ids)


def cases(snapshot: Snapshot, ids: Sequence[str]) -> Iterator[Case]:
    """Yield the loans with these ids, which are neighbours in their order, or one."""
    loans = snapshot.find_all(Loan, ids)
    facts = facts_of(snapshot, BOOKS, ids)
    published = _published(snapshot, ids)
    recorded: dict[str, dict[str, int]] = {id: {} for id in ids}
    for loan_id, id, recorded_ms in snapshot.rows_in(_Recorded, _RECORDED, ids):
        recorded[loan_id][id] = recorded_ms
    shown: dict[str, list[Shown]] = {id: [] for id in ids}
    for loan_id, version, made_ms, visible_ms, status, doc in snapshot.rows(
        _Version, _SHOWN, first=ids[0], last=ids[-1]
    ):
        outstanding_minor = json.loads(doc)["outstanding_minor"]
        shown[loan_id].append(Shown(version, made_ms, visible_ms, status, outstanding_minor))
    edit_ids = [override.edit_id for loan in loans if (override := conflicting_override(loan))]
    overrides = {edit.loan_id: edit for edit in snapshot.find_all(OperatorEdit, edit_ids)}
    for loan in loans:
        yield Case(
            loan, facts[loan.id], recorded[loan.id], shown[loan.id], overrides.get(loan.id), published.get(loan.id),
            snapshot.sandbox.zone, snapshot.now_ms,
        )  # fmt: skip


def _published(snapshot: Snapshot, loan_ids: Sequence[str]) -> dict[str, BureauRecord]:
    ids = snapshot.ids(_PUBLISHED, first=loan_ids[0], last=loan_ids[-1], now_ms=snapshot.now_ms)
    return {record.loan_id: record for record in snapshot.find_all(BureauRecord, ids)}


def page_behind_books(case: Case) -> Iterator[Seen]:
    """The status page has lacked a version of the books for more than five minutes."""
    loan = case.loan
    on_page = max((version.version for version in case.shown if version.visible_ms <= case.now_ms), default=0)
    if on_page == loan.version:
        return
    page = next((version for version in case.shown if version.version == on_page), None)
    lacking = [version for version in case.shown if version.version > on_page]
    # If no row of the missing versions exists, only the age of the page is known.
    since_ms = lacking[0].made_ms if lacking else page.made_ms if page else loan.created_ms
    if case.now_ms - since_ms > PAGE_BOUND_MS:
        owed = state_of(loan).outstanding_minor
        books = {"version": loan.version, "status": loan.status, "outstanding": format_minor(owed, loan.currency)}
        detail = sentence(PAGE_EMPTY, **books)
        if page:
            shown = format_minor(page.outstanding_minor, loan.currency)
            detail = sentence(
                PAGE_BEHIND, page_version=page.version, page_status=page.status, page_outstanding=shown, **books
            )
        yield Seen(
            "page_behind_books", "stale_view", loan.id, loan.id, abs(owed - (page.outstanding_minor if page else 0)),
            since_ms, since_ms + PAGE_BOUND_MS,
            detail, None, loan.currency,
        )  # fmt: skip


def override_contradicts_books(case: Case) -> Iterator[Seen]:
    """An operator has set a status that the books do not derive."""
    loan, edit, override = case.loan, case.override, conflicting_override(case.loan)
    if edit is not None and override is not None:
        since_ms = override.since_ms or 0
        yield Seen(
            "override_contradicts_books", "status_mismatch", loan.id, loan.id, 0, since_ms, since_ms,
            sentence(
                OVERRIDDEN, operator=edit.operator, edit=edit.id, set_status=edit.status, status=loan.status
            ),
            None, loan.currency,
        )  # fmt: skip


def bureau_differs_from_books(case: Case) -> Iterator[Seen]:
    """The credit report differs from the books for longer than its lag explains."""
    loan, record = case.loan, case.published
    # The newest midnight whose records must have been published.
    day = business_date(case.now_ms - LAG_MS - BUREAU_SLACK_MS, case.zone)
    cut_ms = midnight_ms(day, case.zone)
    facts = tuple(fact for fact in case.facts if case.recorded_ms[fact.id] < cut_ms)
    if facts and (record is None or record.cut_ms <= cut_ms):
        then = standing_on(terms_of(loan), facts, day - timedelta(days=1))
        reported = record.status if record else None
        if reported != then.status and (reported or then.status in (*OPEN, LoanStatus.CLEAR, LoanStatus.OFF)):
            detail = sentence(NOT_REPORTED, status=then.status)
            if record:
                detail = sentence(
                    REPORTED_OTHERWISE, record=record.version, date=record.as_of, set_status=record.status,
                    status=then.status,
                )  # fmt: skip
            yield _wrong(loan, record, then.balance_minor, cut_ms, detail)
            return
    if record is not None:
        yield from _rewritten(case, record, cut_ms)


def _rewritten(case: Case, record: BureauRecord, cut_ms: int) -> Iterator[Seen]:
    """Report a record that was true to the books of its day, which were corrected since: it needs a correction."""
    as_of = date.fromisoformat(record.as_of)
    later = [
        case.recorded_ms[fact.id]
        for fact in case.facts
        if case.recorded_ms[fact.id] >= record.cut_ms and (fact.on <= as_of or fact.reverses is not None)
    ]
    if later and min(later) < cut_ms and differs_from_books_now(case.loan, case.facts, record):
        then = standing_on(terms_of(case.loan), tuple(case.facts), as_of)
        detail = sentence(REWRITTEN, record=record.version, date=record.as_of, months=record.months)
        yield _wrong(case.loan, record, then.balance_minor, min(later), detail)


def _wrong(loan: Loan, record: BureauRecord | None, balance_minor: int, since_ms: int, detail: SentenceDoc) -> Seen:
    stake = abs(balance_minor - (record.balance_minor if record else 0))
    return Seen(
        "bureau_differs_from_books", "wrong_bureau", loan.id, loan.id, stake, since_ms, since_ms + LAG_MS,
        detail, None, loan.currency,
    )  # fmt: skip


LOAN_CHECKS: dict[str, Callable[[Case], Iterable[Seen]]] = {
    check.__name__: check for check in (page_behind_books, override_contradicts_books, bureau_differs_from_books)
}
"""The checks by name."""
