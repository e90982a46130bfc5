"""Posting facts to the world. The platform only writes it; `reading` is for the audit."""

from __future__ import annotations

from mocklend.domain.facts import Fact
from mocklend.storage.facts import append, insert_into
from mocklend.storage.work import Work
from mocklend.world import WORLD

insert_into(WORLD)


def record_in_world(work: Work, loan_id: str, fact: Fact) -> None:
    """Post a fact to the world: a movement of a channel's money as it happened, or an operator's action as intended."""
    append(work, WORLD, loan_id, fact)
