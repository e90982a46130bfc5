"""Marking a loan's bureau account as changed. Package `bureau` decides what is then reported, and how."""

from __future__ import annotations

from datetime import timedelta

from mocklend.domain.facts import business_date, midnight_ms
from mocklend.storage.statements import ENTITIES, statement
from mocklend.storage.work import Work

# Runs after the entities' statements: an account that is put in the same commit exists and keeps the earlier time.
LOOK_AT = statement(
    "bureau_accounts.look_at",
    """INSERT INTO bureau_accounts (sandbox_id, id, borrower_id, due_ms, version, months, disputes)
       VALUES (:sandbox_id, :id, :borrower_id, :due_ms, 0, '', '[]')
       ON CONFLICT (sandbox_id, id) DO UPDATE SET due_ms = CASE
           WHEN bureau_accounts.due_ms < excluded.due_ms THEN bureau_accounts.due_ms ELSE excluded.due_ms END""",
    rank=ENTITIES + 3,
)


def look_at(work: Work, loan_id: str, borrower_id: str) -> None:
    """Schedule the reporting of a changed loan's bureau account for the end of the business day."""
    work.write(LOOK_AT, id=loan_id, borrower_id=borrower_id, due_ms=day_over_ms(work))


def day_over_ms(work: Work) -> int:
    """The moment (ms) at which the present business day ends."""
    return midnight_ms(business_date(work.now_ms, work.sandbox.zone) + timedelta(days=1), work.sandbox.zone)
