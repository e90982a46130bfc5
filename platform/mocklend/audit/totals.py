"""What holds over all loans: the trial balance, the money of each channel, and the channels' own chains."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from mocklend.domain.channel import channels
from mocklend.domain.finding import Discrepancy, Finding
from mocklend.ledger import invariants
from mocklend.ledger.journal import balances, journals
from mocklend.sandboxes.ids import channel_chain
from mocklend.storage.stores import load_all, rows
from mocklend.storage.work import Sandbox
from mocklend.world.reading import taken_by_channel


def load_totals(connection: Connection, sandbox_id: str) -> invariants.Totals:
    """The sums over a sandbox's journal, channels and receipts."""
    known, taken, received = _sums(connection, sandbox_id)
    strays = [(row[0], row[1]) for row in rows(connection, _STRAYS, {"sandbox_id": sandbox_id})]
    return invariants.Totals(balances(connection, sandbox_id), known, taken, received, strays)


def check_channel_chains(connection: Connection, sandbox: Sandbox, _now_ms: int) -> Iterator[Discrepancy]:
    """Each channel has a chain of its own, of what was booked there before anybody knew the loan."""
    chains = load_all(connection, [(sandbox.id, ("chain", channel_chain(id))) for id in channels()])
    for chain in chains.values():
        if chain is not None:
            journal = journals(connection, sandbox.id, [chain.id])[chain.id]
            for detail in invariants.chain(chain.id, chain.next_seq, chain.head_hash, journal):
                yield Discrepancy(Finding("books_invariant", chain.id, 0), None, f"B3: {detail}")


# What the books know a channel to hold. A receipt that was booked before anybody knew its loan counts where it landed,
# and one that was posted a second time counts until it is taken back.
_SIGNED = "CASE WHEN kind IN ('receipt', 'second_receipt') THEN amount_minor ELSE -amount_minor END"
_MOVES = "('receipt', 'second_receipt', 'disbursement', 'late_failure', 'refund_paid', 'compensation_paid')"
_SUMS = f"""SELECT 0, channel, SUM(amount_minor) FROM (
    SELECT channel, {_SIGNED} AS amount_minor FROM book_facts
    WHERE sandbox_id = :sandbox_id AND landed = 0 AND kind IN {_MOVES}
      AND NOT (kind = 'second_receipt' AND id IN (SELECT reverses FROM book_facts
               WHERE sandbox_id = :sandbox_id AND kind = 'reversal'))
    UNION ALL SELECT channel, amount_minor FROM receipts
    WHERE sandbox_id = :sandbox_id AND landed = 1 AND NOT (state = 'LATE_FAILED' AND loan_id IS NULL)
    ) AS known GROUP BY channel
    UNION ALL SELECT 1, channel, SUM(amount_minor) FROM trades WHERE sandbox_id = :sandbox_id AND state = 'SUCCESS'
    GROUP BY channel"""
_STRAYS = """SELECT p.chain, p.seq FROM postings p LEFT JOIN transactions t
    ON t.sandbox_id = p.sandbox_id AND t.chain = p.chain AND t.seq = p.seq
    WHERE p.sandbox_id = :sandbox_id AND t.seq IS NULL LIMIT 10"""


def _sums(connection: Connection, sandbox_id: str) -> tuple[dict[str, int], ...]:
    """By channel: what the books know it to hold, what it has taken, and what the world saw it take."""
    sums: tuple[dict[str, int], ...] = ({}, {}, taken_by_channel(connection, sandbox_id))
    for which, channel, amount in rows(connection, _SUMS, {"sandbox_id": sandbox_id}):
        sums[which][channel] = int(amount)
    return sums
