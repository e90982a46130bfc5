"""Putting on record what really happened. The platform writes this and never reads it back; the audit does."""

from __future__ import annotations

from mocklend.domain.facts import Fact
from mocklend.storage.facts import WORLD, append
from mocklend.storage.work import Work


def witness(work: Work, loan_id: str, fact: Fact) -> None:
    """A disbursement or receipt as the channel's money moved, an edit or reversal as the operator meant it."""
    append(work, WORLD, loan_id, fact)
