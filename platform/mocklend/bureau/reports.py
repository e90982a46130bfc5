"""The report: the newest published record of each account at a moment. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, NamedTuple, TypedDict

import msgspec

from mocklend.bureau.reporting import CAUSES, CORRECTION, SubmissionLine, file_hash
from mocklend.domain.bureau import LONG, SHORT, History, month_codes
from mocklend.domain.nouns import LoanId, NextCursor, a_date, one_of, says
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import RecordState
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Borrower, BureauRecord, Loan
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.storage.values import FiveClassField, ReportDoc, ReportedAccount
from mocklend.storage.work import Loaded
from mocklend.views import reads

PUBLISHED: Loaded[list[Reported]] = Loaded("published")
"""By `borrower@ms`: the accounts as published at a moment."""


@dataclass(frozen=True, slots=True)
class Reported:
    """An account on a report: a published record, the loan's fixed data, and whether it is disputed."""

    record: BureauRecord
    opened: str
    principal_minor: int
    currency: str
    disputed: bool

    @property
    def history(self) -> History:
        """The reported months."""
        return History(self.record.months, date.fromisoformat(self.record.last_month))

    def to_json(self) -> ReportedAccount:
        """The account's document in a report."""
        record = self.record
        return {
            "loan_id": record.loan_id,
            "opened": self.opened,
            "principal_minor": self.principal_minor,
            "currency": self.currency,
            "as_of": record.as_of,
            "balance_minor": record.balance_minor,
            "overdue_minor": record.overdue_minor,
            "days_overdue": record.days_overdue,
            "class": record.five_class,
            "status": record.status,
            "last_month": record.last_month[:7],
            "months_24": month_codes(self.history, SHORT),
            "months_60": month_codes(self.history, LONG),
            "disputed": self.disputed,
            "record_state": "DISPUTED" if self.disputed else "CORRECTED" if record.cause == CORRECTION else "PUBLISHED",
            "published_at": rfc3339(record.published_ms),
            "version": record.version,
        }


_PUBLISHED = """SELECT r.id, l.start_date, l.principal_minor, l.currency, a.disputes FROM bureau_records r
    JOIN loans l ON l.sandbox_id = r.sandbox_id AND l.id = r.loan_id
    JOIN bureau_accounts a ON a.sandbox_id = r.sandbox_id AND a.id = r.loan_id
    WHERE r.sandbox_id = :sandbox_id AND r.borrower_id = :borrower_id AND r.published_ms <= :at_ms
      AND r.version = (SELECT MAX(n.version) FROM bureau_records n WHERE n.sandbox_id = r.sandbox_id
        AND n.loan_id = r.loan_id AND n.published_ms <= :at_ms)
    ORDER BY l.start_date, r.loan_id"""


class _Account(NamedTuple):
    id: str
    opened: str
    principal_minor: int
    currency: str
    disputes: str


def published(reader: SandboxReader, borrower_id: str, at_ms: int) -> list[Reported]:
    """A borrower's accounts as published at a moment."""
    accounts = reader.rows(_Account, _PUBLISHED, borrower_id=borrower_id, at_ms=at_ms)
    records = reader.by_id(BureauRecord, [account.id for account in accounts])
    return [
        Reported(records[id], opened, principal, currency, disputes != "[]")
        for id, opened, principal, currency, disputes in accounts
    ]


def load_published(reader: SandboxReader, keys: Sequence[str]) -> Mapping[str, list[Reported]]:
    """By `borrower@ms`: the accounts as published at a moment."""
    accounts_by_key = {}
    for key in keys:
        borrower_id, _, at_ms = key.rpartition("@")
        accounts_by_key[key] = published(reader, borrower_id, int(at_ms))
    return accounts_by_key


def report_doc(borrower_id: str, accounts: Sequence[Reported], at_ms: int) -> ReportDoc:
    """A report as JSON. Its version is the number of records behind it, so it only grows."""
    return {
        "borrower_id": borrower_id,
        "as_of": rfc3339(at_ms),
        "version": sum(account.record.version for account in accounts),
        "accounts": [account.to_json() for account in accounts],
    }


def report(snapshot: Snapshot, borrower_id: str) -> ReportDoc:
    """A borrower's report now. Raises Refused `borrower_unknown`."""
    reads.entity(snapshot, Borrower, borrower_id)
    return report_doc(borrower_id, published(snapshot, borrower_id, snapshot.now_ms), snapshot.now_ms)


# --- an account's records, and the submission files ---


class RecordDoc(FiveClassField):
    """One report of a loan. Append-only: the next one supersedes it."""

    id: Annotated[str, says("The record's id.")]
    loan_id: LoanId
    version: Annotated[int, says("The number of the loan's record, from 1.")]
    state: Annotated[
        str,
        one_of(
            RecordState, "SNAPSHOT taken by the lender, SUBMITTED to the bureau, PUBLISHED, or SUPERSEDED by the next."
        ),
    ]
    cause: Annotated[str, one_of(CAUSES, "Why it was reported: `monthly`, a `change` of status, or a `correction`.")]
    reason: Annotated[str | None, says("The reason of a correction; null for the other causes.")]
    as_of: Annotated[str, a_date("The day that the record describes, like 2026-01-05.")]
    status: Annotated[str, says("The account's status in the report's own words.")]
    days_overdue: Annotated[int, says("Days past due on that day; 0 where nothing was overdue.")]
    balance_minor: Annotated[int, says("What was owed on that day, in minor units.")]
    overdue_minor: Annotated[int, says("What was overdue on that day, in minor units.")]
    months: Annotated[str, says("A code for each of the last months, the oldest first, as in the report.")]
    last_month: Annotated[str, says("The last of those months, like 2026-01.")]
    snapshot_at: Annotated[str, says("When the lender took the figures. RFC 3339, on the sandbox's clock.")]
    submitted_at: Annotated[str, says("When the lender submits them. RFC 3339, on the sandbox's clock.")]
    published_at: Annotated[str, says("When the bureau publishes them. RFC 3339, on the sandbox's clock.")]


class RecordList(TypedDict):
    """A loan's records, oldest first."""

    loan_id: LoanId
    records: Annotated[list[RecordDoc], says("The records, oldest first.")]


def records(snapshot: Snapshot, loan_id: str) -> RecordList:
    """Every record of an account, oldest first, with its state. Raises Refused `loan_unknown`."""
    reads.entity(snapshot, Loan, loan_id)
    sql = "SELECT id FROM bureau_records WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id ORDER BY version"
    stored, now_ms = snapshot.find_all(BureauRecord, snapshot.ids(sql, loan_id=loan_id)), snapshot.now_ms
    newest = max((record.version for record in stored if record.published_ms <= now_ms), default=0)
    return {"loan_id": loan_id, "records": [record_doc(record, now_ms, newest) for record in stored]}


def record_doc(record: BureauRecord, now_ms: int, newest: int) -> RecordDoc:
    """A record as JSON. `newest` is the version that is on the report."""
    state = RecordState.SNAPSHOT if now_ms < record.submitted_ms else RecordState.SUBMITTED
    if now_ms >= record.published_ms:
        state = RecordState.PUBLISHED if record.version == newest else RecordState.SUPERSEDED
    return {
        "id": record.id,
        "loan_id": record.loan_id,
        "version": record.version,
        "state": state,
        "cause": record.cause,
        "reason": record.reason,
        "as_of": record.as_of,
        "status": record.status,
        "class": record.five_class,
        "days_overdue": record.days_overdue,
        "balance_minor": record.balance_minor,
        "overdue_minor": record.overdue_minor,
        "months": " ".join(record.months),
        "last_month": record.last_month[:7],
        "snapshot_at": rfc3339(record.cut_ms),
        "submitted_at": rfc3339(record.submitted_ms),
        "published_at": rfc3339(record.published_ms),
    }


AT_ONCE = 1_000
_LINES = """SELECT id, line FROM bureau_records WHERE sandbox_id = :sandbox_id AND as_of = :as_of
    AND submitted_ms <= :now_ms AND id > :after ORDER BY id LIMIT :most"""


class _Line(NamedTuple):
    id: str
    line: str


class SubmissionDoc(TypedDict):
    """The lender's submission file of a day. `sha256` is over all its lines, each with its line end."""

    date: Annotated[str, says("The day of the submission, like 2026-01-05.")]
    count: Annotated[int, says("The number of lines of the whole file.")]
    sha256: Annotated[str, says("SHA-256 of the whole file, in lower-case hexadecimal.")]
    lines: Annotated[list[SubmissionLine], says("The lines of this list page.")]
    next_cursor: NextCursor | None


_LINE: msgspec.json.Decoder[SubmissionLine] = msgspec.json.Decoder(SubmissionLine)


def submission(snapshot: Snapshot, day: date, *, after: str = "", limit: int = 50) -> SubmissionDoc:
    """The submission file of a day: its length, its hash, and a list page of its lines. Raises
    Refused `submission_unknown`."""
    count = 0

    def page_after(id: str, most: int) -> list[_Line]:
        return snapshot.rows(_Line, _LINES, as_of=day.isoformat(), now_ms=snapshot.now_ms, after=id, most=most)

    def lines() -> Iterator[str]:
        nonlocal count
        last = ""
        while page := page_after(last, AT_ONCE):
            count += len(page)
            last = page[-1].id
            yield from (row.line for row in page)

    digest = file_hash(lines())
    if not count:
        raise Refused("submission_unknown", f"nothing was submitted for {day}", date=day.isoformat())
    page = page_after(after, limit + 1)
    return {
        "date": day.isoformat(),
        "count": count,
        "sha256": digest,
        "lines": [_LINE.decode(row.line) for row in page[:limit]],
        "next_cursor": reads.cursor(reads.Lists.SUBMISSION, page[limit - 1].id) if len(page) > limit else None,
    }
