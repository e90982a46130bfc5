"""What one command has put on a loan's books so far, for the next fact of the same command.

A fact in the past is recorded by replaying all facts and comparing with the journal. The database shows those of
earlier commands only, so a command that records more than one fact shows its own as well, before each further one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from mocklend.domain.facts import Fact
from mocklend.domain.replay import Movement
from mocklend.ledger.journal import INSERT_POSTING, INSERT_TRANSACTION, Posted
from mocklend.storage.facts import BOOKS
from mocklend.storage.work import Work


def show_what_is_recorded(work: Work, loan_id: str) -> None:
    """Let the next `record` on this loan see the facts and the transactions that this command has written."""
    facts: list[Fact] = list(work.get("facts", loan_id))
    journal: list[Posted] = list(work.get("journal", loan_id))
    known, last = {fact.id for fact in facts}, max((one.seq for one in journal), default=0)
    moved: dict[int, list[tuple[str, str, int]]] = {}
    for name, row in work.writes:
        if name == INSERT_POSTING and row["chain"] == loan_id:
            moved.setdefault(row["seq"], []).append((row["debit"], row["credit"], row["amount_minor"]))
    for name, row in work.writes:
        if name == f"{BOOKS}.insert" and row["loan_id"] == loan_id and row["id"] not in known:
            facts.append(_fact(row))
        elif name == INSERT_TRANSACTION and row["chain"] == loan_id and row["seq"] > last:
            journal.append(_posted(row, moved.get(row["seq"], [])))
    work.puts[("facts", loan_id)] = facts
    work.puts[("journal", loan_id)] = journal


def _fact(row: Mapping[str, Any]) -> Fact:
    return Fact(
        id=row["id"],
        kind=row["kind"],
        at_ms=row["at_ms"],
        on=date.fromisoformat(row["effective_date"]),
        amount_minor=row["amount_minor"],
        channel=row["channel"],
        scope=row["scope"],
        edit_kind=row["edit_kind"],
        status=row["status"],
        reverses=row["reverses"],
        due=date.fromisoformat(row["due_date"]) if row["due_date"] else None,
        landed=bool(row["landed"]),
    )


def _posted(row: Mapping[str, Any], postings: list[tuple[str, str, int]]) -> Posted:
    start, stop = row["period_from"], row["period_to"]
    period = (date.fromisoformat(start), date.fromisoformat(stop)) if start else None
    on = date.fromisoformat(row["effective_date"])
    return Posted(
        seq=row["seq"],
        movement=Movement(row["kind"], row["ref"], on, tuple(postings), period),
        reverses=row["reverses"],
        prev_hash=row["prev_hash"],
        hash=row["hash"],
        id=row["id"],
        recorded_ms=row["recorded_ms"],
        currency=row["currency"],
    )
