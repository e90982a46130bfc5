"""Facts as rows. The books have a table of them, and so has the world, whose table only `mocklend.world` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple

from mocklend.domain.facts import Fact
from mocklend.storage.driver import Columns
from mocklend.storage.snapshot import Chosen, SandboxReader
from mocklend.storage.statements import FACTS, statement
from mocklend.storage.work import Loaded, Work

BOOK_FACTS: Loaded[list[Fact]] = Loaded("facts")
"""By loan: the facts on its books, in effective order."""

_COLUMNS = (
    "id", "kind", "at_ms", "effective_date", "amount_minor", "channel", "scope", "edit_kind", "status", "reverses",
    "due_date", "landed",
)  # fmt: skip
_IN_EFFECTIVE_ORDER = attrgetter("at_ms", "id")
BOOKS = "book_facts"


def insert_into(table: str) -> None:
    """Let `append` write facts into this table."""
    statement(
        f"{table}.insert",
        f"""INSERT INTO {table} (sandbox_id, loan_id, recorded_ms, version, {", ".join(_COLUMNS)})
            VALUES (:sandbox_id, :loan_id, :recorded_ms, :version, {", ".join(":" + name for name in _COLUMNS)})""",
        rank=FACTS,
    )


insert_into(BOOKS)


def append(work: Work, table: str, loan_id: str, fact: Fact, *, version: int = 0) -> None:
    """Insert a fact. On the books, `version` is the loan's version that the fact makes."""
    if table == BOOKS:
        work.append(BOOK_FACTS, loan_id, fact)
    work.write(
        f"{table}.insert",
        loan_id=loan_id,
        recorded_ms=work.now_ms,
        version=version,
        id=fact.id,
        kind=fact.kind,
        at_ms=fact.at_ms,
        effective_date=fact.on.isoformat(),
        amount_minor=fact.amount_minor,
        channel=fact.channel,
        scope=fact.scope,
        edit_kind=fact.edit_kind,
        status=fact.status,
        reverses=fact.reverses,
        due_date=fact.due.isoformat() if fact.due else None,
        landed=int(fact.landed),
    )


def facts_of(reader: SandboxReader, table: str, loan_ids: Sequence[str]) -> dict[str, list[Fact]]:
    """Each loan's facts, in effective order."""
    facts: dict[str, list[Fact]] = {loan_id: [] for loan_id in loan_ids}
    head = f"SELECT loan_id, {', '.join(_COLUMNS)} FROM {table} WHERE sandbox_id = :sandbox_id AND loan_id"
    for loan_id, fact in reader.rows_in(_fact_of_loan, head, loan_ids, " ORDER BY at_ms, id"):
        facts[loan_id].append(fact)
    return facts


class FactsOfLoans(NamedTuple):
    """Facts by loan, in effective order, with the rows that they were made from; nothing of a loan that has none."""

    facts: Mapping[str, list[Fact]]
    rows: Mapping[str, list[Columns]]


def facts_by_loan(reader: SandboxReader, table: str, loans: Chosen, others: FactsOfLoans | None = None) -> FactsOfLoans:
    """The facts of the chosen loans. Where the rows of a loan are those of the `others`, so are its facts.

    The facts of world and books are nearly always the same: then they are made once, and compared fast.
    """
    sql = f"""SELECT loan_id, {", ".join(_COLUMNS)} FROM {table}
        WHERE sandbox_id = :sandbox_id AND {loans.by("loan_id")}"""
    rows: dict[str, list[Columns]] = {}
    for row in reader.raw(sql, **loans.parameters):
        if row[0] in rows:
            rows[row[0]].append(row)
        else:
            rows[row[0]] = [row]
    facts: dict[str, list[Fact]] = {}
    for loan_id, of_loan in rows.items():
        if others is not None and others.rows.get(loan_id) == of_loan:
            facts[loan_id] = others.facts[loan_id]
        else:
            facts[loan_id] = sorted([_fact(*row) for row in of_loan], key=_IN_EFFECTIVE_ORDER)
    return FactsOfLoans(facts, rows)


def recorded_by_loan(reader: SandboxReader, table: str, loans: Chosen) -> dict[str, dict[str, int]]:
    """By chosen loan and fact: when it was recorded (ms)."""
    recorded_ms: dict[str, dict[str, int]] = {}
    sql = f"SELECT loan_id, id, recorded_ms FROM {table} WHERE sandbox_id = :sandbox_id AND {loans.by('loan_id')}"
    for loan_id, id, at_ms in reader.raw(sql, **loans.parameters):
        recorded_ms.setdefault(loan_id, {})[id] = at_ms
    return recorded_ms


def _fact_of_loan(loan_id: str, *columns: Any) -> tuple[str, Fact]:
    """(loan id, fact) of a row."""
    return loan_id, _fact(loan_id, *columns)


def _fact(
    _loan_id: str,
    id: str,
    kind: str,
    at_ms: int,
    on: str,
    amount_minor: int,
    channel: str | None,
    scope: str | None,
    edit_kind: str | None,
    status: str | None,
    reverses: str | None,
    due: str | None,
    landed: int,
) -> Fact:
    on_date, due_date = date.fromisoformat(on), date.fromisoformat(due) if due else None
    return Fact(
        id, kind, at_ms, on_date, amount_minor, channel, scope, edit_kind, status, reverses, due_date, landed == 1
    )


def load_book_facts(reader: SandboxReader, loan_ids: Sequence[str]) -> Mapping[str, list[Fact]]:
    """By loan: the facts on its books, in effective order."""
    return facts_of(reader, BOOKS, loan_ids)
