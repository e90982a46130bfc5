"""Quotes against the books: each payoff quote that counts asks for what the books asked for when it was issued."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from mocklend.domain.finding import Discrepancy, Finding
from mocklend.domain.replay import replay
from mocklend.domain.statuses import QuoteType
from mocklend.lending.books import terms_of
from mocklend.lending.quotes import buckets_of
from mocklend.storage.entities import Loan, Quote
from mocklend.storage.facts import BOOKS, facts_of
from mocklend.storage.snapshot import SandboxReader, Snapshot

AT_ONCE = 200
"""Quotes that are looked at together: memory stays bounded, however many there are."""

# One that lapsed unused is worth nothing, nor is one of a loan that was paid off since. One that a repayment was
# ordered by counts until then: what it left out is still owed.
_COUNT = """SELECT q.id, q.loan_id, q.date, q.total_minor, q.valid_until_ms, q.version FROM quotes q
    JOIN loans l ON l.sandbox_id = q.sandbox_id AND l.id = q.loan_id
    WHERE q.sandbox_id = :sandbox_id AND q.type = :type
      AND (l.cleared_version IS NULL OR l.cleared_version < q.version)
      AND (q.valid_until_ms >= :now_ms OR EXISTS (SELECT 1 FROM repayments r
           WHERE r.sandbox_id = q.sandbox_id AND r.loan_id = q.loan_id AND r.quote_id = q.id))
    ORDER BY q.id"""
_SINCE = "SELECT id, version FROM book_facts WHERE sandbox_id = :sandbox_id AND loan_id"


class _Since(NamedTuple):
    fact_id: str
    version: int


def check_quotes(snapshot: Snapshot) -> Iterator[Discrepancy]:
    """Each payoff quote that counts, worked out again from what the books had at its version: class `wrong_view`."""
    quotes = snapshot.rows(_quote, _COUNT, type=QuoteType.CLEAR, now_ms=snapshot.now_ms)
    for start in range(0, len(quotes), AT_ONCE):
        yield from _these(snapshot, quotes[start : start + AT_ONCE])


def _quote(id: str, loan_id: str, date: str, total_minor: int, valid_until_ms: int, version: int) -> Quote:
    return Quote(id, loan_id, QuoteType.CLEAR, date, total_minor, valid_until_ms, version)


def _these(reader: SandboxReader, quotes: Sequence[Quote]) -> Iterator[Discrepancy]:
    ids = sorted({quote.loan_id for quote in quotes})
    loans = reader.by_id(Loan, ids)
    facts = facts_of(reader, BOOKS, ids)
    since = dict(reader.rows_in(_Since, _SINCE, ids))
    for quote in quotes:
        had = [fact for fact in facts[quote.loan_id] if since[fact.id] <= quote.version]
        state = replay(terms_of(loans[quote.loan_id]), had, max(fact.on for fact in had))
        right_minor = sum(buckets_of(state, QuoteType.CLEAR, date.fromisoformat(quote.date)).values())
        if quote.total_minor != right_minor:
            detail = f"it asks for {quote.total_minor} on {quote.date}, the books for {right_minor}"
            finding = Finding("wrong_view", quote.id, abs(quote.total_minor - right_minor))
            yield Discrepancy(finding, quote.loan_id, detail)
