"""Posting movements to the journal: numbered and hash-chained per loan, so that no two loans queue on one row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import NamedTuple

from msgspec import Struct

from mocklend.domain.replay import Movement
from mocklend.storage.snapshot import Chosen, SandboxReader, among
from mocklend.storage.statements import JOURNAL, statement
from mocklend.storage.work import Loaded, Work

JOURNALS: Loaded[list[Posted]] = Loaded("journal")
"""By chain: its whole journal, ordered by number."""

NO_HASH = "0" * 64

INSERT_TRANSACTION = statement(
    "transactions.insert",
    """INSERT INTO transactions (sandbox_id, chain, seq, id, kind, effective_date, recorded_ms, reverses, ref,
       period_from, period_to, currency, prev_hash, hash)
       VALUES (:sandbox_id, :chain, :seq, :id, :kind, :effective_date, :recorded_ms, :reverses, :ref,
       :period_from, :period_to, :currency, :prev_hash, :hash)""",
    rank=JOURNAL,
)
INSERT_POSTING = statement(
    "postings.insert",
    """INSERT INTO postings (sandbox_id, chain, seq, line, debit, credit, amount_minor)
       VALUES (:sandbox_id, :chain, :seq, :line, :debit, :credit, :amount_minor)""",
    rank=JOURNAL + 1,
)


class Head(Struct, frozen=True):
    """The head of a chain: the next number, and the hash of the newest transaction."""

    next_seq: int
    hash: str


class Posted(Struct, frozen=True, gc=False):
    """A transaction in the journal. `seq` is its 1-based number in its chain, `reverses` the number of its target."""

    seq: int
    movement: Movement
    reverses: int | None
    prev_hash: str
    hash: str
    id: str
    recorded_ms: int
    currency: str


def chain_hash(
    prev: str, chain: str, seq: int, movement: Movement, reverses: int | None, currency: str, recorded_ms: int
) -> str:
    """The hash over a transaction and the hash before it: a changed figure breaks every later hash."""
    days, postings = movement.period, movement.postings
    period = f"{days[0].isoformat()}/{days[1].isoformat()}" if days else ""
    if len(postings) == 1:  # Nearly always: without a loop.
        debit, credit, amount = postings[0]
        legs = f"{debit}>{credit}={amount}"
    else:
        legs = ";".join([f"{debit}>{credit}={amount}" for debit, credit, amount in postings])
    text = (
        f"{prev}|{chain}|{seq}|{movement.kind}|{movement.ref}|{movement.on.isoformat()}|{period}|{reverses}|"
        f"{currency}|{recorded_ms}|{legs}"
    )
    return sha256(text.encode()).hexdigest()


def transaction_id(chain: str, seq: int) -> str:
    """A transaction's id, from its chain and its number there."""
    return f"txn_{chain.removeprefix('loan_')}_{seq}"


def post(work: Work, chain: str, currency: str, head: Head, movements: Iterable[Movement]) -> Head:
    """Append movements, in order. Returns the new head of the chain."""
    for movement in movements:
        head = _append(work, chain, currency, head, movement, None)
    return head


def _append(work: Work, chain: str, currency: str, head: Head, movement: Movement, reverses: int | None) -> Head:
    seq, id = head.next_seq, transaction_id(chain, head.next_seq)
    period = movement.period
    digest = chain_hash(head.hash, chain, seq, movement, reverses, currency, work.now_ms)
    work.write(
        INSERT_TRANSACTION,
        chain=chain,
        seq=seq,
        id=id,
        kind=movement.kind,
        effective_date=movement.on.isoformat(),
        recorded_ms=work.now_ms,
        reverses=reverses,
        ref=movement.ref,
        period_from=period[0].isoformat() if period else None,
        period_to=period[1].isoformat() if period else None,
        currency=currency,
        prev_hash=head.hash,
        hash=digest,
    )
    for line, (debit, credit, amount) in enumerate(movement.postings):
        work.write(INSERT_POSTING, chain=chain, seq=seq, line=line, debit=debit, credit=credit, amount_minor=amount)
    work.append(JOURNALS, chain, Posted(seq, movement, reverses, head.hash, digest, id, work.now_ms, currency))
    return Head(seq + 1, digest)


def repost(
    work: Work, chain: str, currency: str, head: Head, live: Sequence[Posted], movements: Sequence[Movement]
) -> Head:
    """Correct the journal to `movements`: reverse other live transactions, newest first, and post what is missing.

    Transactions that stay valid are untouched, so reversing one repayment replaces only what it changed.
    """
    to_keep = Counter(movements)
    to_reverse = []
    for posted in live:
        if to_keep[posted.movement]:
            to_keep[posted.movement] -= 1
        else:
            to_reverse.append(posted)
    for posted in reversed(to_reverse):
        head = _append(work, chain, currency, head, opposite(posted.movement), posted.seq)
    for movement in movements:
        if to_keep[movement]:
            to_keep[movement] -= 1
            head = _append(work, chain, currency, head, movement, None)
    return head


def opposite(movement: Movement) -> Movement:
    """The movement that reverses another one: the same postings with debit and credit swapped."""
    return Movement(
        kind=f"{movement.kind}_reversal",
        ref=movement.ref,
        on=movement.on,
        postings=tuple((credit, debit, amount) for debit, credit, amount in movement.postings),
        period=movement.period,
    )


def live(posted: Iterable[Posted]) -> list[Posted]:
    """The transactions that are neither reversed nor a reversal."""
    transactions = list(posted)
    reversed_seqs = {transaction.reverses for transaction in transactions if transaction.reverses is not None}
    if not reversed_seqs:
        return transactions
    return [
        transaction
        for transaction in transactions
        if transaction.reverses is None and transaction.seq not in reversed_seqs
    ]


# Two queries: a join looks the postings of each transaction up, and repeats its columns for each.
_TRANSACTIONS = """SELECT chain, seq, kind, effective_date, reverses, ref, period_from, period_to,
    prev_hash, hash, id, recorded_ms, currency FROM transactions
    WHERE sandbox_id = :sandbox_id AND {chains} ORDER BY chain, seq"""
_POSTINGS = """SELECT chain, seq, debit, credit, amount_minor FROM postings
    WHERE sandbox_id = :sandbox_id AND {chains} ORDER BY chain, seq, line"""

_BALANCES = """SELECT debit, credit, SUM(amount_minor) FROM postings WHERE sandbox_id = :sandbox_id
    GROUP BY debit, credit"""


_BALANCES_OF = """SELECT debit, credit, SUM(amount_minor) FROM postings WHERE sandbox_id = :sandbox_id
    AND chain"""


class _Balance(NamedTuple):
    debit: str
    credit: str
    amount_minor: int


def journals(reader: SandboxReader, chains: Sequence[str]) -> Mapping[str, list[Posted]]:
    """The whole journal of each chain, ordered by number."""
    return {chain: [] for chain in chains} | journals_by_chain(reader, among(chains))


def journals_by_chain(reader: SandboxReader, chains: Chosen) -> dict[str, list[Posted]]:
    """The whole journal of each chosen chain; nothing where it is empty."""
    chosen = chains.by("chain")
    postings: dict[tuple[str, int], tuple[tuple[str, str, int], ...]] = {}
    for chain, seq, debit, credit, minor in reader.raw(_POSTINGS.format(chains=chosen), **chains.parameters):
        at, leg = (chain, seq), (debit, credit, minor)
        postings[at] = (*postings[at], leg) if at in postings else (leg,)
    journal: dict[str, list[Posted]] = {}
    parsed, none = date.fromisoformat, ()
    for (
        chain, seq, kind, on, reverses, ref, start, stop, prev, digest, id, recorded_ms, currency,
    ) in reader.raw(_TRANSACTIONS.format(chains=chosen), **chains.parameters):  # fmt: skip
        period = (parsed(start), parsed(stop)) if start and stop else None
        movement = Movement(kind, ref, parsed(on), postings.get((chain, seq), none), period)
        posted = Posted(seq, movement, reverses, prev, digest, id, recorded_ms, currency)
        if chain in journal:
            journal[chain].append(posted)
        else:
            journal[chain] = [posted]
    return journal


def balances_of(reader: SandboxReader, chains: Sequence[str]) -> list[tuple[str, str, int]]:
    """What some chains have moved, in minor units: (debited account, credited account, sum)."""
    moved = reader.rows_in(_Balance, _BALANCES_OF, chains, " GROUP BY debit, credit")
    return [(debit, credit, int(minor)) for debit, credit, minor in moved]


def balances(reader: SandboxReader) -> dict[str, int]:
    """Every account's balance over the whole sandbox, in minor units: debits less credits."""
    total: dict[str, int] = {}
    for debit, credit, amount in reader.rows(_Balance, _BALANCES):
        total[debit] = total.get(debit, 0) + int(amount)
        total[credit] = total.get(credit, 0) - int(amount)
    return total
