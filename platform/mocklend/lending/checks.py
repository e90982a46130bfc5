"""Quotes against the books: each payoff quote that counts asks for what the books asked for when it was issued."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from mocklend.domain.finding import Discrepancy, Finding
from mocklend.domain.replay import replay
from mocklend.domain.statuses import QuoteType
from mocklend.lending.books import terms_of
from mocklend.lending.quotes import buckets_of
from mocklend.storage.entities import Loan, Quote
from mocklend.storage.facts import BOOKS, facts_of
from mocklend.storage.stores import load_all, rows, select_in
from mocklend.storage.work import Sandbox

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


def check_quotes(connection: Connection, sandbox: Sandbox, now_ms: int) -> Iterator[Discrepancy]:
    """Each payoff quote that counts, worked out again from what the books had at its version: class `wrong_view`."""
    scope = {"sandbox_id": sandbox.id, "type": QuoteType.CLEAR, "now_ms": now_ms}
    found = [
        Quote(row[0], row[1], QuoteType.CLEAR, *row[2:])  # The columns are in the order of its fields.
        for row in rows(connection, _COUNT, scope)
    ]
    for start in range(0, len(found), AT_ONCE):
        yield from _these(connection, sandbox.id, found[start : start + AT_ONCE])


def _these(connection: Connection, sandbox_id: str, quotes: Sequence[Quote]) -> Iterator[Discrepancy]:
    ids = sorted({quote.loan_id for quote in quotes})
    loans: Mapping[Any, Loan] = load_all(connection, [(sandbox_id, ("loan", id)) for id in ids])
    facts = facts_of(connection, BOOKS, sandbox_id, ids)
    since = {row[0]: row[1] for row in select_in(connection, _SINCE, ids, {"sandbox_id": sandbox_id})}
    for quote in quotes:
        had = [fact for fact in facts[quote.loan_id] if since[fact.id] <= quote.version]
        loan = loans[(sandbox_id, ("loan", quote.loan_id))]
        state = replay(terms_of(loan), had, max(fact.on for fact in had))
        right_minor = sum(buckets_of(state, QuoteType.CLEAR, date.fromisoformat(quote.date)).values())
        if quote.total_minor != right_minor:
            detail = f"it asks for {quote.total_minor} on {quote.date}, the books for {right_minor}"
            finding = Finding("wrong_view", quote.id, abs(quote.total_minor - right_minor))
            yield Discrepancy(finding, quote.loan_id, detail)
