"""Reading what really happened: for the audit, and for the check of statements that is a part of it.

Nothing that answers a client or decides a command may know this: the platform would be told what it cannot know.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from mocklend.domain.facts import Fact
from mocklend.storage.facts import facts_of
from mocklend.storage.snapshot import SandboxReader
from mocklend.world import WORLD

_UNCLAIMED = f"""SELECT id, at_ms, effective_date, amount_minor, channel, kind FROM {WORLD}
    WHERE sandbox_id = :sandbox_id AND loan_id = ''
      AND id NOT IN (SELECT id FROM receipts WHERE sandbox_id = :sandbox_id)
      AND id NOT IN (SELECT id FROM {WORLD} WHERE sandbox_id = :sandbox_id AND loan_id <> '')"""
_ON_A_LOAN = f"SELECT id FROM {WORLD} WHERE sandbox_id = :sandbox_id AND loan_id <> '' AND id"
_TAKEN = f"""SELECT channel, SUM(amount_minor) FROM
    (SELECT DISTINCT id, channel, CASE WHEN kind = 'receipt' THEN amount_minor ELSE -amount_minor END AS amount_minor
     FROM {WORLD} WHERE sandbox_id = :sandbox_id AND kind IN ('receipt', 'payment_return'))
    AS receipts_once GROUP BY channel"""
_MOVES = "('receipt', 'payment_return', 'disbursement', 'refund_paid', 'compensation_paid')"
# A push payment may stand under no loan first and under its own later: one fact, two rows.
_MOVED = f"""SELECT DISTINCT id, kind, at_ms, amount_minor FROM {WORLD}
    WHERE sandbox_id = :sandbox_id AND channel = :channel AND at_ms >= :from_ms AND at_ms < :until_ms
      AND kind IN {_MOVES}"""
_MOMENTS = f"""SELECT DISTINCT channel, at_ms FROM {WORLD}
    WHERE sandbox_id = :sandbox_id AND channel IS NOT NULL AND kind IN {_MOVES}"""

GIVEN_BACK = f"""SELECT b.reverses FROM book_facts b
    JOIN {WORLD} w ON w.sandbox_id = b.sandbox_id AND w.loan_id = b.loan_id AND w.id = b.id AND w.reverses = b.reverses
    WHERE b.sandbox_id = :sandbox_id AND b.kind IN ('reversal', 'payment_return')"""
"""SQL, to be a part of other SQL: the ids of money that its channel took back, or that staff returned on purpose."""


class Moved(NamedTuple):
    """A movement of money at a channel; its amount has no sign."""

    id: str
    kind: str
    at_ms: int
    amount_minor: int


class Moment(NamedTuple):
    """When money moved at a channel."""

    channel: str
    at_ms: int


class _Taken(NamedTuple):
    channel: str
    amount_minor: int


def world_facts_of(reader: SandboxReader, loan_ids: Sequence[str]) -> dict[str, list[Fact]]:
    """What really happened to each of these loans, in effective order; an empty list where nothing did."""
    return facts_of(reader, WORLD, loan_ids)


def unclaimed_money(reader: SandboxReader) -> list[Fact]:
    """Money whose payer named no loan, and that the books do not have even as unapplied."""
    return reader.rows(_unclaimed, _UNCLAIMED)


def _unclaimed(id: str, at_ms: int, on: str, amount_minor: int, channel: str, kind: str) -> Fact:
    return Fact(id, kind, at_ms, date.fromisoformat(on), amount_minor, channel)


def ids_on_a_loan(reader: SandboxReader, ids: Sequence[str]) -> set[str]:
    """Those of these facts that stand under any loan."""
    return set(reader.ids_in(_ON_A_LOAN, ids))


def taken_by_channel(reader: SandboxReader) -> dict[str, int]:
    """What each channel has really taken, without what it has taken back: minor units, by channel."""
    return {channel: int(amount) for channel, amount in reader.rows(_Taken, _TAKEN)}


def moved_between(reader: SandboxReader, channel: str, from_ms: int, until_ms: int) -> list[Moved]:
    """Money that really moved at a channel in a span of time."""
    return reader.rows(Moved, _MOVED, channel=channel, from_ms=from_ms, until_ms=until_ms)


def moments(reader: SandboxReader) -> list[Moment]:
    """Each channel and time at which money really moved there."""
    return reader.rows(Moment, _MOMENTS)
