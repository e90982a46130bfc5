"""The rows of the bureau: the report, the score, and other lenders' copies, each against what the world was then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from mocklend.audit.chain.docs import View
from mocklend.audit.chain.rows import Row
from mocklend.audit.chain.subject import Subject
from mocklend.bureau.partners import partner_of
from mocklend.bureau.reports import Reported, published
from mocklend.bureau.scores import inquiries_before, refresh_before, score_of
from mocklend.domain.bureau import History, Standing, rederive, score, standing_on
from mocklend.domain.facts import Fact
from mocklend.language import message
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import BureauRecord

UNKNOWN_MONTH = "#"
"""The code of a month that was not reported: it differs from nothing."""


def bureau_rows(subject: Subject) -> Iterator[Row]:
    """The report, if it has the loan; the score, if there is one; and each lender's copy that has the loan."""
    snapshot, loan, reporting = subject.snapshot, subject.loan, subject.audited.reporting
    records = reporting.records if reporting is not None else ()
    on_report = [record for record in records if record.published_ms <= snapshot.now_ms]
    report = None
    if on_report:
        report = _report(subject, on_report[-1])
        _pending(subject, records, report)
        yield report
    yield from _score(subject, {record.id: record for record in records}, report)
    for copy in subject.copies:
        for account in copy.report["accounts"]:
            record = next(
                (r for r in records if account["loan_id"] == loan.id and r.version == account["version"]), None
            )
            if record is None:
                continue
            application = next((a for a in subject.applications if a.partner == copy.partner), None)
            row = Row(
                View.LENDER, copy.partner, partner_of(copy.partner).name, View.REPORT,
                application.decision if application is not None else account["status"],
                outstanding_minor=account["balance_minor"], overdue_minor=account["overdue_minor"],
                version=copy.report["version"], as_of_ms=copy.pulled_ms,
                request=f"GET /bureau/lenders/{copy.partner}/copies/{loan.borrower_id}",
            )  # fmt: skip
            _compare(row, record, *_true_at(subject, record))
            if report is not None and row.differs and not report.differs:
                row.pending, row.pending_ms = message("the lender uses it until it pulls a new report"), copy.pulled_ms
            yield row


def is_true(subject: Subject, record: BureauRecord) -> bool:
    """Whether a record says what was true at its cut."""
    return not _report(subject, record).differs


def _report(subject: Subject, record: BureauRecord) -> Row:
    row = Row(
        View.REPORT, record.id, record.five_class, View.BOOKS, record.status,
        outstanding_minor=record.balance_minor, overdue_minor=record.overdue_minor, version=record.version,
        as_of_ms=record.cut_ms - 1, request=f"GET /bureau/borrowers/{record.borrower_id}/report",
    )  # fmt: skip
    _compare(row, record, *_true_at(subject, record))
    return row


def _true_at(subject: Subject, record: BureauRecord) -> tuple[Standing, History]:
    """What the record would say if the books had what really happened before its cut."""
    facts = _before(subject.world, record.cut_ms)
    as_of = date.fromisoformat(record.as_of)
    return standing_on(subject.terms, facts, as_of), rederive(subject.terms, facts, as_of)


def _before(facts: Sequence[Fact], cut_ms: int) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if fact.at_ms < cut_ms)


def _compare(row: Row, record: BureauRecord, truth: Standing, history: History) -> None:
    if record.status != truth.status:
        row.differ("status", record.status, str(truth.status))
    row.differ("outstanding_minor", record.balance_minor, truth.balance_minor)
    row.differ("overdue_minor", record.overdue_minor, truth.overdue_minor)
    row.differ("class", record.five_class, truth.five_class)
    row.differ("days_overdue", record.days_overdue, truth.days_overdue)
    if not _alike(record.months, history.codes):
        row.differ("months", record.months, history.codes)


def _alike(reported: str, true: str) -> bool:
    pairs = zip(reported[::-1], true[::-1], strict=False)
    return all(UNKNOWN_MONTH in pair or pair[0] == pair[1] for pair in pairs)


def _pending(subject: Subject, records: Sequence[BureauRecord], report: Row) -> None:
    """Note what is on its way to the report: a correction, a record, or a change of status to be reported."""
    reporting, now_ms = subject.audited.reporting, subject.snapshot.now_ms
    assert reporting is not None, "there is a report"
    correct_ms = reporting.account.correct_ms
    unpublished = [record for record in records if record.published_ms > now_ms]
    if unpublished:
        record = unpublished[0]
        report.pending_ms = record.cut_ms
        report.pending = f"{record.status} of {record.as_of} is published at {rfc3339(record.published_ms)}"
    elif correct_ms is not None:
        report.pending, report.pending_ms = message("a correction is reported at the end of the day"), correct_ms
    elif report.status != subject.loan.status and subject.loan.status == subject.truth.status:
        report.pending, report.pending_ms = message("the change is reported at the end of the day"), subject.truth_ms


def _score(subject: Subject, records: dict[str, BureauRecord], report: Row | None) -> Iterator[Row]:
    snapshot, borrower_id = subject.snapshot, subject.loan.borrower_id
    refresh = refresh_before(snapshot.now_ms, snapshot.sandbox.zone)
    accounts = published(snapshot, borrower_id, refresh.at_ms)
    if not accounts:
        return
    inquiries = inquiries_before(snapshot, borrower_id, refresh.at_ms)
    value = score_of(accounts, inquiries, refresh.day)
    earlier = refresh_before(refresh.at_ms - 1, snapshot.sandbox.zone)
    before = score_of(
        published(snapshot, borrower_id, earlier.at_ms),
        inquiries_before(snapshot, borrower_id, earlier.at_ms),
        earlier.day,
    )
    row = Row(
        View.SCORE, None, None, View.REPORT, str(value), str(before) if before != value else None,
        as_of_ms=refresh.at_ms, request=f"GET /bureau/borrowers/{borrower_id}/score",
    )  # fmt: skip
    true = score([_true_history(subject, account, records) for account in accounts], inquiries, refresh.day)
    row.differ("score", value, true)
    if row.differs and report is not None and not report.differs:
        row.pending, row.pending_ms = f"it is computed again at {rfc3339(refresh.next_ms)}", refresh.at_ms
    yield row


def _true_history(subject: Subject, account: Reported, records: dict[str, BureauRecord]) -> History:
    """The months of an account: for this loan those of the world, for others as they are reported."""
    record = records.get(account.record.id)
    return account.history if record is None else _months(account.history, _true_at(subject, record)[1])


def _months(reported: History, true: History) -> History:
    return reported if _alike(reported.codes, true.codes) else true
