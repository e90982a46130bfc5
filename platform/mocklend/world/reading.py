"""Reading the world, for the audit and for its check of statements.

Code that answers a client or decides a command must not import it: the platform cannot know the world.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from mocklend.domain.facts import Fact
from mocklend.sandboxes.ids import return_of
from mocklend.storage.facts import FactsOfLoans, facts_by_loan, facts_of
from mocklend.storage.schema import OF_RECEIPTS
from mocklend.storage.snapshot import Chosen, SandboxReader
from mocklend.world import WORLD

_UNCLAIMED = f"""SELECT id, at_ms, effective_date, amount_minor, channel, kind FROM {WORLD} w
    WHERE sandbox_id = :sandbox_id AND loan_id = ''
      AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.sandbox_id = w.sandbox_id AND r.id = w.id)
      AND NOT EXISTS (SELECT 1 FROM (SELECT sandbox_id, loan_id, id FROM {WORLD} WHERE {OF_RECEIPTS}) AS o
                      WHERE o.sandbox_id = w.sandbox_id AND o.id = w.id AND o.loan_id <> '')"""
_ON_A_LOAN = f"SELECT id FROM {WORLD} WHERE sandbox_id = :sandbox_id AND {OF_RECEIPTS} AND loan_id <> '' AND id"
_LOANS_OF = f"SELECT loan_id FROM {WORLD} WHERE sandbox_id = :sandbox_id AND {OF_RECEIPTS} AND loan_id <> '' AND id"
_TAKEN = f"""SELECT channel, SUM(amount_minor) FROM
    (SELECT DISTINCT id, channel, CASE WHEN kind = 'receipt' THEN amount_minor ELSE -amount_minor END AS amount_minor
     FROM {WORLD} WHERE sandbox_id = :sandbox_id AND kind IN ('receipt', 'payment_return'))
    AS receipts_once GROUP BY channel"""
_TAKEN_BY = f"""SELECT DISTINCT id, channel, CASE WHEN kind = 'receipt' THEN amount_minor ELSE -amount_minor END
    FROM {WORLD} WHERE sandbox_id = :sandbox_id AND {OF_RECEIPTS} AND kind IN ('receipt', 'payment_return') AND id"""
_MOVES = "('receipt', 'payment_return', 'disbursement', 'refund_paid', 'compensation_paid')"
# A push payment may have a row without a loan and a later row with its loan: one fact, two rows.
_MOVED = f"""SELECT DISTINCT id, kind, at_ms, amount_minor FROM {WORLD}
    WHERE sandbox_id = :sandbox_id AND channel = :channel AND at_ms >= :from_ms AND at_ms < :until_ms
      AND kind IN {_MOVES}"""
_MOMENTS = f"""SELECT DISTINCT channel, at_ms FROM {WORLD}
    WHERE sandbox_id = :sandbox_id AND channel IS NOT NULL AND kind IN {_MOVES}"""

RETURNED_MONEY = f"""SELECT b.reverses FROM book_facts b
    JOIN {WORLD} w ON w.sandbox_id = b.sandbox_id AND w.loan_id = b.loan_id AND w.id = b.id AND w.reverses = b.reverses
    WHERE b.sandbox_id = :sandbox_id AND b.kind IN ('reversal', 'payment_return') AND {{orders_of}}"""
"""SQL fragment: the ids of receipts that their channel returned, or that staff reversed on purpose. `orders_of` is a
condition on the loan."""


class Moved(NamedTuple):
    """A movement of money at a channel; its amount has no sign."""

    id: str
    kind: str
    at_ms: int
    amount_minor: int


class Moment(NamedTuple):
    """A time (ms) at which money moved at a channel."""

    channel: str
    at_ms: int


class TakenBy(NamedTuple):
    """Money that a channel took by a receipt, or returned: then its amount, in minor units, is below 0."""

    id: str  # of the receipt, or of its return
    channel: str
    amount_minor: int


class _Taken(NamedTuple):
    channel: str
    amount_minor: int


def world_facts_of(reader: SandboxReader, loan_ids: Sequence[str]) -> dict[str, list[Fact]]:
    """By loan id: its facts in the world, in effective order; an empty list where there are none."""
    return facts_of(reader, WORLD, loan_ids)


def world_facts_by_loan(reader: SandboxReader, loans: Chosen, books: FactsOfLoans) -> Mapping[str, list[Fact]]:
    """By loan id: the facts of the chosen loans in the world, in effective order; nothing where there are none.

    Where they are those of the books, they are the same list.
    """
    return facts_by_loan(reader, WORLD, loans, books).facts


def unclaimed_money(reader: SandboxReader) -> list[Fact]:
    """Money whose payer named no loan and that is not on the books, not even as unapplied cash."""
    return reader.rows(_unclaimed, _UNCLAIMED)


def _unclaimed(id: str, at_ms: int, on: str, amount_minor: int, channel: str, kind: str) -> Fact:
    return Fact(id, kind, at_ms, date.fromisoformat(on), amount_minor, channel)


def ids_on_a_loan(reader: SandboxReader, ids: Sequence[str]) -> set[str]:
    """The ids among these, of receipts and their returns, whose fact belongs to a loan."""
    return set(reader.ids_in(_ON_A_LOAN, ids))


def loans_in_the_world(reader: SandboxReader, ids: Sequence[str]) -> set[str]:
    """The loans that have one of these facts, of receipts and their returns."""
    return set(reader.ids_in(_LOANS_OF, ids))


def taken_by_channel(reader: SandboxReader) -> dict[str, int]:
    """By channel: the minor units that it really took, less those that it returned."""
    return {channel: int(amount) for channel, amount in reader.rows(_Taken, _TAKEN)}


def taken_by_receipts(reader: SandboxReader, receipt_ids: Sequence[str]) -> list[TakenBy]:
    """What channels really took by these receipts, and what they returned of it."""
    ids = [fact for id in receipt_ids for fact in (id, return_of(id))]
    return reader.rows_in(TakenBy, _TAKEN_BY, ids)


def moved_between(reader: SandboxReader, channel: str, from_ms: int, until_ms: int) -> list[Moved]:
    """The movements of money at a channel in the world, from `from_ms` up to but not including `until_ms`."""
    return reader.rows(Moved, _MOVED, channel=channel, from_ms=from_ms, until_ms=until_ms)


def moments(reader: SandboxReader) -> list[Moment]:
    """Each channel and time at which money moved there in the world."""
    return reader.rows(Moment, _MOMENTS)
