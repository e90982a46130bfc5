"""The audit's checks of the bureau, each derived again from the facts on the books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import NamedTuple

from mocklend.bureau.partners import DAY_MS, partner_of
from mocklend.bureau.reporting import CORRECTION, ONE_DAY
from mocklend.bureau.reports import published
from mocklend.bureau.scores import MEMORY_MS, inquiries_before, score_of
from mocklend.domain.bureau import LAG_MS, History, carry, rederive, standings
from mocklend.domain.facts import Fact, business_date, midnight_ms
from mocklend.domain.finding import Discrepancy, Finding, InTransit
from mocklend.domain.money import format_minor
from mocklend.lending.books import terms_of
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import BureauAccount, BureauRecord, Loan, ScoreAnswer
from mocklend.storage.facts import BOOKS, recorded_by_loan
from mocklend.storage.snapshot import EVERY, Chosen, SandboxReader, Snapshot

WRONG = "wrong_bureau"


@dataclass(frozen=True, slots=True)
class Reporting:
    """Every report of a loan, by version, and the time (ms) at which each fact of its books was posted."""

    records: Sequence[BureauRecord]
    recorded_ms: Mapping[str, int]
    account: BureauAccount


def reporting_of(reader: SandboxReader, loans: Chosen) -> dict[str, Reporting]:
    """By loan: its reports, for those of the chosen loans that were reported."""
    by_loan: dict[str, list[BureauRecord]] = {}
    in_order = f"{loans.by('loan_id')} ORDER BY loan_id, version"
    for record in reader.where(BureauRecord, in_order, **loans.parameters):
        by_loan.setdefault(record.loan_id, []).append(record)
    if not by_loan:
        return {}
    recorded_ms = recorded_by_loan(reader, BOOKS, loans)
    accounts = {account.id: account for account in reader.where(BureauAccount, loans.by("id"), **loans.parameters)}
    return {
        loan_id: Reporting(records, recorded_ms.get(loan_id, {}), accounts[loan_id])
        for loan_id, records in by_loan.items()
    }


def check_published_records(
    loan: Loan, facts: Sequence[Fact], reporting: Reporting, now_ms: int, zone: str
) -> Iterator[Discrepancy | InTransit]:
    """Compare the bureau's report of a loan with its books at each cut. Unpublished records are in transit."""
    for finding, detail in chain(_wrong_record(loan, facts, reporting, now_ms), _late_or_lost(reporting, now_ms, zone)):
        yield Discrepancy(finding, loan.id, loan.currency, detail)
    for record, detail in _in_transit(reporting, now_ms):
        yield InTransit(record.id, loan.id, record.cut_ms, detail)


def _wrong_record(
    loan: Loan, facts: Sequence[Fact], reporting: Reporting, now_ms: int
) -> Iterator[tuple[Finding, str]]:
    """The record on the report, compared with a replay of the facts posted before each cut up to it."""
    on_report = [record for record in reporting.records if record.published_ms <= now_ms]
    if not on_report:
        return
    record, history = on_report[-1], None
    reported = reporting.records[: reporting.records.index(record) + 1]
    cuts = [
        (
            tuple(fact for fact in facts if reporting.recorded_ms[fact.id] < earlier.cut_ms),
            date.fromisoformat(earlier.as_of),
        )
        for earlier in reported
    ]
    for earlier, (facts_then, _), now in zip(reported, cuts, standings(terms_of(loan), cuts), strict=True):
        if earlier.cause == CORRECTION:
            history = rederive(terms_of(loan), facts_then, now.as_of)
        else:
            history = carry(history, date.fromisoformat(loan.start_date), now)
    on_record = (
        record.status, record.five_class, record.days_overdue, record.balance_minor, record.overdue_minor,
        History(record.months, date.fromisoformat(record.last_month)),
    )  # fmt: skip
    if on_record != (now.status, now.five_class, now.days_overdue, now.balance_minor, now.overdue_minor, history):
        stake = abs(record.balance_minor - now.balance_minor)
        says, said = (format_minor(each.balance_minor, loan.currency) for each in (record, now))
        detail = (
            f"record {record.version} of {record.as_of} says {record.status}, {says}, "
            f"{record.months}; the books said {now.status}, {said}, {history.codes if history else ''}"
        )
        yield Finding(WRONG, loan.id, stake), detail


def _late_or_lost(reporting: Reporting, now_ms: int, zone: str) -> Iterator[tuple[Finding, str]]:
    """The oldest record that is late; and a correction that was ordered and not made.

    Records after a late one wait with it, so only the oldest is reported.
    """
    for record in reporting.records:
        if record.cut_ms + LAG_MS <= now_ms < record.published_ms:
            detail = f"record {record.version} of {record.as_of} says {record.status} and is not published yet"
            yield Finding(WRONG, record.id, 0), detail
            break
    account = reporting.account
    if account.ordered_ms is None or account.correct_ms is not None:
        return
    cut_ms = midnight_ms(business_date(account.ordered_ms, zone) + ONE_DAY, zone)
    reported = any(record.cause == CORRECTION and record.cut_ms >= cut_ms for record in reporting.records)
    before_ms = max((record.published_ms for record in reporting.records if record.cut_ms < cut_ms), default=0)
    if max(cut_ms + LAG_MS, before_ms) <= now_ms and not reported:
        yield Finding(WRONG, account.id, 0), "a correction was ordered, but did not reach the bureau"


def _in_transit(reporting: Reporting, now_ms: int) -> Iterator[tuple[BureauRecord, str]]:
    """Reported changes that are not published yet, within the normal lag."""
    published_records = [record for record in reporting.records if record.published_ms <= now_ms]
    for record in reporting.records[len(published_records) :]:
        if (
            record.cut_ms + LAG_MS > now_ms
            and published_records
            and (record.cause == CORRECTION or record.status != published_records[-1].status)
        ):
            yield (
                record,
                f"{record.status} of {record.as_of} is reported, the bureau still shows {published_records[-1].status}",
            )


def check_scores(snapshot: Snapshot, borrower_id: str | None = None) -> Iterator[Discrepancy]:
    """Compute every stored score answer again, from the records published by then; or those about one borrower."""
    chosen = {} if borrower_id is None else {"borrower_id": borrower_id}
    recent = "answered_ms > :forgotten_ms" + "".join(f" AND {column} = :{column}" for column in chosen)
    for answer in snapshot.where(ScoreAnswer, recent, forgotten_ms=snapshot.now_ms - MEMORY_MS, **chosen):
        borrower_id, refreshed_ms, score = answer.borrower_id, answer.refreshed_ms, answer.body["score"]
        accounts = published(snapshot, borrower_id, refreshed_ms)
        inquiries = inquiries_before(snapshot, borrower_id, refreshed_ms)
        expected = score_of(accounts, inquiries, business_date(refreshed_ms, snapshot.sandbox.zone))
        if score != expected:
            detail = f"the score was answered as {score}, by the published records it is {expected}"
            yield Discrepancy(Finding(WRONG, answer.id, 0), None, None, detail)


_NEWEST = """SELECT a.id, a.partner, a.asked_anew, a.pulled_ms, a.created_ms FROM partner_copies c
    JOIN applications a ON a.sandbox_id = c.sandbox_id AND a.partner = c.partner AND a.borrower_id = c.borrower_id
     AND a.n = c.decided
    WHERE c.sandbox_id = :sandbox_id AND a.pulled_ms < a.created_ms AND {copies} ORDER BY a.id"""


class _Newest(NamedTuple):
    id: str
    partner: str
    asked_anew: int
    pulled_ms: int
    created_ms: int


def check_partner_copies(snapshot: Snapshot, copies: Chosen = EVERY) -> Iterator[Discrepancy]:
    """Check that no partner's newest decision about a borrower used a copy that should have been renewed."""
    sql = _NEWEST.format(copies=copies.by("c.id"))
    for id, partner, asked_anew, pulled_ms, created_ms in snapshot.rows(_Newest, sql, **copies.parameters):
        old = created_ms >= pulled_ms + partner_of(partner).keeps_days * DAY_MS
        if asked_anew or old:
            detail = f"{partner} decided by a copy of {rfc3339(pulled_ms)}"
            yield Discrepancy(Finding("stale_view", id, 0), None, None, detail)


def differs_from_books_now(loan: Loan, facts: Sequence[Fact], record: BureauRecord) -> bool:
    """Whether the books would now report the record's months differently: a correction is due, even without a fault."""
    history = rederive(terms_of(loan), tuple(facts), date.fromisoformat(record.as_of))
    return history != History(record.months, date.fromisoformat(record.last_month))
