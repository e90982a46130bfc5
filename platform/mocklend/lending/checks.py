"""Audit of quotes: the total of each payoff quote that counts is the one that the books derived when it was issued."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from mocklend.domain.finding import Discrepancy, Finding
from mocklend.domain.money import format_minor
from mocklend.domain.replay import replay
from mocklend.domain.statuses import QuoteType
from mocklend.lending.books import terms_of
from mocklend.lending.quotes import buckets_of
from mocklend.storage.entities import PAYOFF, Loan, Quote
from mocklend.storage.facts import BOOKS, facts_of
from mocklend.storage.snapshot import Chosen, SandboxReader, Snapshot

BATCH_SIZE = 200
"""Quotes that are checked together, so that memory stays bounded."""

# A quote that lapsed unused does not count, nor does one of a loan that was paid off since. A quote that a repayment
# was ordered with counts until then: what it left out is still owed.
_COUNT = f"""SELECT q.id, q.loan_id, q.date, q.total_minor, q.valid_until_ms, q.version FROM quotes q
    JOIN loans l ON l.sandbox_id = q.sandbox_id AND l.id = q.loan_id
    WHERE q.sandbox_id = :sandbox_id AND q.{PAYOFF} AND {{loans}}
      AND (l.cleared_version IS NULL OR l.cleared_version < q.version)
      AND (q.valid_until_ms >= :now_ms OR EXISTS (SELECT 1 FROM repayments r
           WHERE r.sandbox_id = q.sandbox_id AND r.loan_id = q.loan_id AND r.quote_id = q.id))"""
_POSTED_AT = "SELECT id, version FROM book_facts WHERE sandbox_id = :sandbox_id AND loan_id"


class _PostedAt(NamedTuple):
    fact_id: str
    version: int


def check_quotes(snapshot: Snapshot, loans: Chosen) -> Iterator[Discrepancy]:
    """Compare each payoff quote that counts with the books at its version: finding class `wrong_view`."""
    sql = _COUNT.format(loans=loans.by("q.loan_id"))
    quotes = snapshot.rows(_quote, sql, now_ms=snapshot.now_ms, **loans.parameters)
    for start in range(0, len(quotes), BATCH_SIZE):
        yield from _check_batch(snapshot, quotes[start : start + BATCH_SIZE])


def _quote(id: str, loan_id: str, date: str, total_minor: int, valid_until_ms: int, version: int) -> Quote:
    return Quote(id, loan_id, QuoteType.CLEAR, date, total_minor, valid_until_ms, version)


def _check_batch(reader: SandboxReader, quotes: Sequence[Quote]) -> Iterator[Discrepancy]:
    ids = sorted({quote.loan_id for quote in quotes})
    loans = reader.by_id(Loan, ids)
    facts = facts_of(reader, BOOKS, ids)
    posted_at = dict(reader.rows_in(_PostedAt, _POSTED_AT, ids))
    for quote in quotes:
        posted_facts = [fact for fact in facts[quote.loan_id] if posted_at[fact.id] <= quote.version]
        state = replay(terms_of(loans[quote.loan_id]), posted_facts, max(fact.on for fact in posted_facts))
        right_minor = sum(buckets_of(state, QuoteType.CLEAR, date.fromisoformat(quote.date)).values())
        if quote.total_minor != right_minor:
            currency = loans[quote.loan_id].currency
            total, right = format_minor(quote.total_minor, currency), format_minor(right_minor, currency)
            detail = f"its total is {total} on {quote.date}, by the books {right}"
            finding = Finding("wrong_view", quote.id, abs(quote.total_minor - right_minor))
            yield Discrepancy(finding, quote.loan_id, currency, detail)
