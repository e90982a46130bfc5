"""Recording what really happened. The platform writes this and never reads it back: see `reading` for who does."""

from __future__ import annotations

from mocklend.domain.facts import Fact
from mocklend.storage.facts import append, insert_into
from mocklend.storage.work import Work
from mocklend.world import WORLD

insert_into(WORLD)


def record_in_world(work: Work, loan_id: str, fact: Fact) -> None:
    """A disbursement or receipt as the channel's money moved, an edit or reversal as the operator meant it."""
    append(work, WORLD, loan_id, fact)
