"""Reporting to the bureau: one record per loan at the end of a day on which its status changed or a month ended.

        books ── the facts posted before the day ended ──▶ SNAPSHOT ──▶ SUBMITTED ──▶ PUBLISHED ──▶ superseded
                        (the cut, a midnight)             2 h           1 day

A report is derived from the books, not the world: a lender reports what it believes. A record depends only on the
facts posted before its cut, so missed months are reported correctly after an outage, and a second run reports nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, TypedDict

import msgspec
from msgspec.structs import replace

from mocklend.domain.bureau import (
    LAG_MS,
    OPEN,
    OVER,
    History,
    Standing,
    carry,
    last_of,
    rederive,
    standing,
    standing_on,
)
from mocklend.domain.facts import Fact, business_date, midnight_ms
from mocklend.domain.nouns import BorrowerId, Currency, LoanId, PrincipalMinor, one_of, says
from mocklend.domain.statuses import LoanStatus
from mocklend.lending.books import state_of, terms_of
from mocklend.lending.reporting import day_over_ms, look_at
from mocklend.lending.required import require_loan
from mocklend.seams.about import about_loan
from mocklend.seams.bureau_report import BureauReport
from mocklend.seams.signals import correction_ordered
from mocklend.storage.entities import BureauAccount, BureauRecord, Loan
from mocklend.storage.facts import BOOKS, facts_of
from mocklend.storage.snapshot import SandboxReader
from mocklend.storage.work import Answer, Idempotency, Key, Loaded, Work

KNOWN_FACTS: Loaded[list[Fact]] = Loaded("known_facts")
"""By `loan@ms`: the facts of a loan posted before a moment."""

BUREAU_KNOWN: Loaded[Freshness] = Loaded("bureau_known")
"""By loan: its version, and the time of its newest fact."""

SUBMIT_MS = 2 * 3_600_000
"""Milliseconds from the cut to the submission file; publication follows `LAG_MS` after the cut."""

CAUSES = MONTHLY, CHANGE, CORRECTION = "monthly", "change", "correction"
ONE_DAY = timedelta(days=1)
EPOCH = date(1970, 1, 1).toordinal()


class SubmissionLine(TypedDict):
    """One record of the file: a loan on a day."""

    record: Annotated[str, says("The record's id.")]
    loan_id: LoanId
    borrower_id: BorrowerId
    cause: Annotated[str, one_of(CAUSES, "The cause of the report.")]
    currency: Currency
    opened: Annotated[str, says("The day on which the loan was paid out, like 2026-01-05.")]
    principal_minor: PrincipalMinor
    as_of: Annotated[str, says("The day that the line describes, like 2026-01-05.")]
    status: Annotated[str, says("The loan's status on that day.")]
    five_class: Annotated[str, says("The class of risk on that day, of the five that banks report.")]
    days_overdue: Annotated[int, says("Days past due on that day; 0 where nothing was overdue.")]
    balance_minor: Annotated[int, says("What was owed on that day, in minor units of `currency`.")]
    overdue_minor: Annotated[int, says("What was overdue on that day, in minor units of `currency`.")]
    month: Annotated[str, says("The month of `month_status`, like 2026-01.")]
    month_status: Annotated[str, says("The month's code, as in the report.")]


@dataclass(frozen=True, slots=True)
class ReportAccount:
    """The end of day of one account. A second run reports nothing."""

    sandbox_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The account, its loan, and the time of the loan's newest fact."""
        return (("bureau_account", self.loan_id), ("loan", self.loan_id), ("bureau_known", self.loan_id))

    def decide(self, work: Work) -> Answer:
        """200, and the record's id if one was reported."""
        account = work.find(BureauAccount, self.loan_id)
        if account is None or account.due_ms is None or account.due_ms > work.now_ms:
            return Answer(200, {"loan_id": self.loan_id, "record": None})
        cut_ms, zone = account.due_ms, work.sandbox.zone
        as_of = business_date(cut_ms - 1, zone)
        loan = work.get(Loan, self.loan_id)
        now = self._standing(work, loan, cut_ms, as_of)
        cause = _cause(account, now, cut_ms)
        record = None
        if cause is not None:
            event = _seam(work, account, loan, now, cause, cut_ms)
            outcome = work.at(event)
            if not outcome.sent:
                account = replace(account, correct_ms=None, correct_reason=None)
                cause = _cause(account, now, cut_ms)
        if cause is not None:
            published_ms = event.bound_ms + (outcome.lag_s * 1000 if outcome.sent else 0)
            before = history_of(account)
            facts = tuple(work.load(KNOWN_FACTS, f"{loan.id}@{cut_ms}")) if cause == CORRECTION else ()
            start = date.fromisoformat(loan.start_date)
            history = rederive(terms_of(loan), facts, as_of) if cause == CORRECTION else carry(before, start, now)
            record = _record(account, loan, now, history, cause, cut_ms, published_ms)
            work.put(record)
            account = replace(
                account,
                version=record.version,
                status=now.status,
                months=history.codes,
                last_month=history.last.isoformat(),
                published_ms=published_ms,
            )
            if cause == CORRECTION:
                account = replace(account, correct_ms=None, correct_reason=None)
        work.put(replace(account, due_ms=_next_due(work, account, loan, now)))
        return Answer(200, {"loan_id": loan.id, "record": record.id if record else None})

    @staticmethod
    def _standing(work: Work, loan: Loan, cut_ms: int, as_of: date) -> Standing:
        """The standing by the books at the end of the day, usually from the present state without a replay."""
        freshness = work.load(BUREAU_KNOWN, loan.id)
        state = state_of(loan)
        if freshness.version == loan.version and freshness.recorded_ms < cut_ms and state.as_of <= as_of:
            state.roll_forward(as_of)
            return standing(state)
        return standing_on(terms_of(loan), tuple(work.load(KNOWN_FACTS, f"{loan.id}@{cut_ms}")), as_of)


def _cause(account: BureauAccount, now: Standing, cut_ms: int) -> str | None:
    """The cause of a report, or None if nothing is reported."""
    if account.correct_ms is not None and account.correct_ms < cut_ms and account.version:
        return CORRECTION
    if now.status not in OPEN and not account.version and now.status not in (LoanStatus.CLEAR, LoanStatus.OFF):
        return None  # Not paid out, so there is no account.
    if now.status == account.status and now.status in OVER:
        return None
    if now.as_of == last_of(now.as_of):
        return MONTHLY
    return CHANGE if now.status != account.status else None


def _next_due(work: Work, account: BureauAccount, loan: Loan, now: Standing) -> int | None:
    """When the account is due next: at the end of the month, or of today if the loan has changed since the cut."""
    zone = work.sandbox.zone
    due_times = []
    if now.status in OPEN:
        due_times.append(midnight_ms(last_of(now.as_of + ONE_DAY) + ONE_DAY, zone))
    if loan.status != now.status:
        due_times.append(day_over_ms(work))
    if account.correct_ms is not None:
        due_times.append(midnight_ms(business_date(account.correct_ms, zone) + ONE_DAY, zone))
    return min(due_times, default=None)


def _seam(work: Work, account: BureauAccount, loan: Loan, now: Standing, cause: str, cut_ms: int) -> BureauReport:
    return BureauReport(
        **about_loan(work.now_ms, loan, now.as_of.toordinal() - EPOCH),
        record_id=record_id(loan.id, account.version + 1),
        cause=cause,
        before_status=account.status,
        status=now.status,
        balance_minor=now.balance_minor,
        bound_ms=max(cut_ms + LAG_MS, account.published_ms or 0),
    )


def record_id(loan_id: str, version: int) -> str:
    """The id of a loan's n-th record."""
    return f"bcr_{loan_id.removeprefix('loan_')}_{version}"


def _record(
    account: BureauAccount, loan: Loan, now: Standing, history: History, cause: str, cut_ms: int, published_ms: int
) -> BureauRecord:
    version = account.version + 1
    id = record_id(loan.id, version)
    line: SubmissionLine = {
        "record": id,
        "loan_id": loan.id,
        "borrower_id": loan.borrower_id,
        "cause": cause,
        "currency": loan.currency,
        "opened": loan.start_date,
        "principal_minor": loan.principal_minor,
        "as_of": now.as_of.isoformat(),
        "status": now.status,
        "five_class": now.five_class,
        "days_overdue": now.days_overdue,
        "balance_minor": now.balance_minor,
        "overdue_minor": now.overdue_minor,
        "month": history.last.isoformat()[:7],
        "month_status": history.codes[-1],
    }
    return BureauRecord(
        id=id,
        loan_id=loan.id,
        borrower_id=loan.borrower_id,
        version=version,
        cause=cause,
        reason=account.correct_reason if cause == CORRECTION else None,
        as_of=now.as_of.isoformat(),
        status=now.status,
        five_class=now.five_class,
        days_overdue=now.days_overdue,
        balance_minor=now.balance_minor,
        overdue_minor=now.overdue_minor,
        months=history.codes,
        last_month=history.last.isoformat(),
        line=msgspec.json.encode(line, order="sorted").decode(),
        cut_ms=cut_ms,
        submitted_ms=cut_ms + SUBMIT_MS,
        published_ms=published_ms,
    )


def history_of(account: BureauAccount | BureauRecord) -> History | None:
    """The months as last reported."""
    return History(account.months, date.fromisoformat(account.last_month)) if account.last_month else None


def file_hash(lines: Iterable[str]) -> str:
    """The hash of a submission file: over its lines, each with its line end."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


# --- effects of disputes on an account ---


def flag_disputed(work: Work, loan_id: str, dispute_id: str) -> None:
    """Mark this account as disputed on the report, at once."""
    account = _account(work, loan_id)
    marks = account.disputes
    if dispute_id not in marks:
        _put(work, replace(account, disputes=(*marks, dispute_id)))


def unflag_disputed(work: Work, loan_id: str, dispute_id: str) -> None:
    """Remove a closed dispute's mark from the report, at once. Marks of other disputes stay."""
    account = _account(work, loan_id)
    marks = tuple(mark for mark in account.disputes if mark != dispute_id)
    _put(work, replace(account, disputes=marks))


def correct(work: Work, loan_id: str, reason: str) -> int | None:
    """Order a correction: at the end of the day the account's months are derived again from the books.

    Returns the time (ms) of its publication, or None if the account was never reported.
    """
    account = _account(work, loan_id)
    if not account.version:
        return None
    _put(work, replace(account, correct_ms=work.now_ms, correct_reason=reason, ordered_ms=work.now_ms))
    work.signal(correction_ordered(loan_id))
    return day_over_ms(work) + LAG_MS


def _put(work: Work, account: BureauAccount) -> None:
    """Put the account, due at the end of the day: another command may have set that since it was loaded."""
    work.put(account)
    look_at(work, account.id, account.borrower_id)


def _account(work: Work, loan_id: str) -> BureauAccount:
    account = work.find(BureauAccount, loan_id)
    if account is not None:
        return account
    loan = require_loan(work, loan_id)
    return BureauAccount(loan.id, loan.borrower_id, None, 0, None, "", None, (), None, None, None, None)


# --- loaders for many loans ---


@dataclass(frozen=True, slots=True)
class Freshness:
    """A loan's version, and the time (ms) at which its newest fact was posted."""

    version: int
    recorded_ms: int


_KNOWN = """SELECT l.id, l.version, MAX(f.recorded_ms) FROM loans l
    LEFT JOIN book_facts f ON f.sandbox_id = l.sandbox_id AND f.loan_id = l.id
    WHERE l.sandbox_id = :sandbox_id AND l.id"""


def load_bureau_known(reader: SandboxReader, loan_ids: Sequence[str]) -> Mapping[str, Freshness]:
    """By loan: its version, and the time of its newest fact."""
    return dict(reader.rows_in(_freshness_of, _KNOWN, loan_ids, " GROUP BY l.id, l.version"))


def _freshness_of(loan_id: str, version: int, recorded_ms: int | None) -> tuple[str, Freshness]:
    return loan_id, Freshness(version, recorded_ms or 0)


def load_known_facts(reader: SandboxReader, keys: Sequence[str]) -> Mapping[str, list[Fact]]:
    """By `loan@ms`: the facts of a loan posted before a moment, which is past, so they do not change."""
    facts_by_key = {}
    for key in keys:
        loan_id, _, before_ms = key.rpartition("@")
        facts_by_key[key] = facts_before(reader, loan_id, int(before_ms))
    return facts_by_key


_RECORDED = """SELECT id FROM book_facts
    WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND recorded_ms < :before_ms"""


def facts_before(reader: SandboxReader, loan_id: str, before_ms: int) -> list[Fact]:
    """The facts of a loan that were posted before a moment, in effective order."""
    posted_ids = set(reader.ids(_RECORDED, loan_id=loan_id, before_ms=before_ms))
    return [fact for fact in facts_of(reader, BOOKS, [loan_id])[loan_id] if fact.id in posted_ids]
