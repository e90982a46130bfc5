"""What an audit asks of the bureau, as named functions, each worked out from the journal's own facts.

V5  a published record says what the books said at its cut; what is not published yet is in transit.
V6  a score that was answered follows from what was published when it was made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from mocklend.bureau.reporting import CORRECTION
from mocklend.bureau.reports import published
from mocklend.bureau.scores import enquiries_before, made
from mocklend.domain.bureau import History, carry, rederive, standings
from mocklend.domain.facts import Fact, business_date
from mocklend.domain.finding import Finding
from mocklend.lending.books import terms_of
from mocklend.storage.entities import BureauRecord, Loan
from mocklend.storage.stores import load_all, rows, select_in

WRONG = "wrong_bureau"


@dataclass(frozen=True, slots=True)
class Reporting:
    """What was ever reported of a loan, by version, and when each fact of its books was recorded."""

    records: Sequence[BureauRecord]
    recorded_ms: Mapping[str, int]


def reporting_of(connection: Connection, sandbox_id: str, loan_ids: Sequence[str]) -> dict[str, Reporting]:
    """The loans of which anything was reported."""
    scope = {"sandbox_id": sandbox_id}
    ids = "SELECT id FROM bureau_records WHERE sandbox_id = :sandbox_id AND loan_id"
    keys = [(sandbox_id, ("bureau_record", row[0])) for row in select_in(connection, ids, loan_ids, scope)]
    by_loan: dict[str, list[BureauRecord]] = {}
    for record in load_all(connection, keys).values():
        by_loan.setdefault(record.loan_id, []).append(record)
    if not by_loan:
        return {}
    times: dict[str, dict[str, int]] = {loan_id: {} for loan_id in by_loan}
    recorded = "SELECT loan_id, id, recorded_ms FROM book_facts WHERE sandbox_id = :sandbox_id AND loan_id"
    for loan_id, id, recorded_ms in select_in(connection, recorded, list(by_loan), scope):
        times[loan_id][id] = recorded_ms
    return {
        loan_id: Reporting(sorted(known, key=lambda one: one.version), times[loan_id])
        for loan_id, known in by_loan.items()
    }


def v5_published_is_what_the_books_said(
    loan: Loan, facts: Sequence[Fact], known: Reporting, now_ms: int
) -> Iterator[tuple[Finding, str]]:
    """The record on the report, held against a replay of what the books knew at each cut up to it."""
    on_report = [record for record in known.records if record.published_ms <= now_ms]
    if not on_report:
        return
    record, history = on_report[-1], None
    told = known.records[: known.records.index(record) + 1]
    cuts = [
        (
            tuple(fact for fact in facts if known.recorded_ms[fact.id] < earlier.cut_ms),
            date.fromisoformat(earlier.as_of),
        )
        for earlier in told
    ]
    for earlier, (then, _), now in zip(told, cuts, standings(terms_of(loan), cuts), strict=True):
        if earlier.cause == CORRECTION:
            history = rederive(terms_of(loan), then, now.as_of)
        else:
            history = carry(history, date.fromisoformat(loan.start_date), now)
    said = (
        record.status, record.five_class, record.days_overdue, record.balance_minor, record.overdue_minor,
        History(record.months, date.fromisoformat(record.last_month)),
    )  # fmt: skip
    if said != (now.status, now.five_class, now.days_overdue, now.balance_minor, now.overdue_minor, history):
        stake = abs(record.balance_minor - now.balance_minor)
        detail = (
            f"record {record.version} of {record.as_of} says {record.status}, {record.balance_minor}, "
            f"{record.months}; the books said {now.status}, {now.balance_minor}, {history.codes if history else ''}"
        )
        yield Finding(WRONG, loan.id, stake), detail


def on_its_way(known: Reporting, now_ms: int) -> Iterator[tuple[BureauRecord, str]]:
    """A change that is reported and not published yet: the report shows the account as it was, by its normal lag."""
    shown = [record for record in known.records if record.published_ms <= now_ms]
    for record in known.records[len(shown) :]:
        if shown and (record.cause == CORRECTION or record.status != shown[-1].status):
            yield record, f"{record.status} of {record.as_of} is reported, the bureau shows {shown[-1].status} still"


_ANSWERS = "SELECT id, borrower_id, body, refreshed_ms FROM score_answers WHERE sandbox_id = :sandbox_id ORDER BY id"


def v6_scores_follow_from_published_records(
    connection: Connection, sandbox_id: str, zone: str
) -> Iterator[tuple[Finding, str]]:
    """Every answer that is kept, made again."""
    for id, borrower_id, body, refreshed_ms in rows(connection, _ANSWERS, {"sandbox_id": sandbox_id}):
        accounts = published(connection, sandbox_id, borrower_id, refreshed_ms)
        enquiries = enquiries_before(connection, sandbox_id, borrower_id, refreshed_ms)
        should_be = made(accounts, enquiries, business_date(refreshed_ms, zone))
        if json.loads(body)["score"] != should_be:
            detail = f"the score was answered as {json.loads(body)['score']}, what was published makes {should_be}"
            yield Finding(WRONG, id, 0), detail


def differs_from_books_now(loan: Loan, facts: Sequence[Fact], record: BureauRecord) -> bool:
    """Whether the books would tell the record's months otherwise today: a correction is due, and no fault need be."""
    told = rederive(terms_of(loan), tuple(facts), date.fromisoformat(record.as_of))
    return told != History(record.months, date.fromisoformat(record.last_month))
