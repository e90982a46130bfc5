"""Checks over all loans: the trial balance, the money of each channel, and the channels' own chains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mocklend.domain.channel import channels
from mocklend.domain.finding import Discrepancy, Finding
from mocklend.ledger import invariants
from mocklend.ledger.journal import balances, journals
from mocklend.sandboxes.ids import channel_chain
from mocklend.storage.entities import Chain
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.world.reading import taken_by_channel


def load_totals(reader: SandboxReader) -> invariants.Totals:
    """Load the sums over a sandbox's journal, channels and receipts."""
    booked, taken, received = _sums(reader)
    return invariants.Totals(balances(reader), booked, taken, received, reader.rows(_Stray, _STRAYS))


def check_channel_chains(snapshot: Snapshot) -> Iterator[Discrepancy]:
    """Check the chain of each channel, which has what was booked before its loan was known."""
    for chain in snapshot.find_all(Chain, [channel_chain(id) for id in channels()]):
        journal = journals(snapshot, [chain.id])[chain.id]
        for detail in invariants.chain(chain.id, chain.next_seq, chain.head_hash, journal):
            yield Discrepancy(Finding("books_invariant", chain.id, 0), None, None, f"B3: {detail}")


# What a channel holds by the books. A receipt that was booked before its loan was known counts in the channel's chain,
# and a second receipt counts until it is reversed.
_SIGNED = "CASE WHEN kind IN ('receipt', 'second_receipt') THEN amount_minor ELSE -amount_minor END"
_MOVES = "('receipt', 'second_receipt', 'disbursement', 'payment_return', 'refund_paid', 'compensation_paid')"
_SUMS = f"""SELECT 0, channel, SUM(amount_minor) FROM (
    SELECT channel, {_SIGNED} AS amount_minor FROM book_facts
    WHERE sandbox_id = :sandbox_id AND landed = 0 AND kind IN {_MOVES}
      AND NOT (kind = 'second_receipt' AND id IN (SELECT reverses FROM book_facts
               WHERE sandbox_id = :sandbox_id AND kind = 'reversal'))
    UNION ALL SELECT channel, amount_minor FROM receipts
    WHERE sandbox_id = :sandbox_id AND landed = 1 AND NOT (state = 'RETURNED' AND loan_id IS NULL)
    ) AS known GROUP BY channel
    UNION ALL SELECT 1, channel, SUM(amount_minor) FROM trades WHERE sandbox_id = :sandbox_id AND state = 'SUCCESS'
    GROUP BY channel"""
_STRAYS = """SELECT p.chain, p.seq FROM postings p LEFT JOIN transactions t
    ON t.sandbox_id = p.sandbox_id AND t.chain = p.chain AND t.seq = p.seq
    WHERE p.sandbox_id = :sandbox_id AND t.seq IS NULL LIMIT 10"""


class _Stray(NamedTuple):
    chain: str
    seq: int


class _Sum(NamedTuple):
    which: int
    channel: str
    amount_minor: int


def _sums(reader: SandboxReader) -> tuple[dict[str, int], ...]:
    """Return three sums by channel: what it holds by the books, what it took, and what the world saw it take."""
    sums: tuple[dict[str, int], ...] = ({}, {}, taken_by_channel(reader))
    for which, channel, amount in reader.rows(_Sum, _SUMS):
        sums[which][channel] = int(amount)
    return sums
