"""The invariants as named functions. No fault may break one.

Codes with W concern the world, codes with B the books. Each function yields a description of each violation, and
nothing if the invariant holds. `audit/checks.py` lists them with code and sentence. B5, B7, B9 and B14 are laws of
commands, which the tests check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from msgspec import Struct

from mocklend.domain.facts import ALL_COUNT, EDIT, PAYMENT_RETURN, RECEIPT, SECOND_RECEIPT, Fact, Standing, standing
from mocklend.domain.money import format_minor
from mocklend.domain.replay import LoanState, dump
from mocklend.domain.statuses import LoanStatus
from mocklend.ledger.accounts import RECEIVABLES, is_in_chart
from mocklend.ledger.journal import NO_HASH, Posted, chain_hash, live, opposite
from mocklend.storage.entities import Loan

SETTLED = (LoanStatus.CLEAR, LoanStatus.OFF)
"""Statuses of a disbursed loan without receivables: repaid, or written off. The replay derives which of the two."""

LOSS = ("5002", "4003")
"""Credit loss and recovery: together zero once the whole loss of a written-off loan is recovered."""

_RECEIVABLE = frozenset(RECEIVABLES)


class LoanWorld(Struct, frozen=True, gc=False):
    """One loan's facts in the world, and their replay."""

    facts: Sequence[Fact]
    state: LoanState


class LoanBooks(Struct, gc=False):
    """One loan's books. `rebuilt` is the replay of its facts; `orders` has the rows of its repayments, by id:
    (applied, overpaid) in minor units. Derived once for all checks: the `live` part of the journal, which facts count,
    and whether the stored projection `agrees` with the replay.
    """

    loan: Loan
    facts: Sequence[Fact]
    journal: Sequence[Posted]
    rebuilt: LoanState
    orders: Mapping[str, tuple[int, int]] = {}
    live: Sequence[Posted] = ()
    standing: Standing = ALL_COUNT
    agrees: bool = False

    def __post_init__(self) -> None:
        self.live = live(self.journal)
        self.standing = standing(self.facts)
        self.agrees = dump(self.rebuilt) == self.loan.state


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a sandbox, in minor units: by account, then by channel. `strays` are (chain, seq) of postings without a
    transaction.

    `known` is the money that a channel holds by the books, `taken` what it took by its own trades, `received` what it
    took in the world.
    """

    balances: Mapping[str, int]
    known: Mapping[str, int]
    taken: Mapping[str, int]
    received: Mapping[str, int]
    strays: Sequence[tuple[str, int]]


def single_success(world: LoanWorld) -> Iterator[str]:
    """W2: no order succeeds twice."""
    receipts = [fact.id for fact in world.facts if fact.kind == RECEIPT]
    if len(set(receipts)) == len(receipts):
        return
    for id, times in Counter(receipts).items():
        if times > 1:
            yield f"{id} succeeded {times} times"


def true_outstanding(world: LoanWorld) -> Iterator[str]:
    """W3: the outstanding amount is the charged amount less the settled one."""
    state = world.state
    outstanding = state.outstanding_minor
    charged = settled = 0
    for i in state.instalments:
        charged += i.principal + i.interest + i.fee + i.penalty_principal + i.penalty_interest
        settled += i.principal_paid + i.interest_paid + i.fee_paid + i.penalty_principal_paid + i.penalty_interest_paid
    if outstanding < 0:
        yield f"outstanding is {outstanding}"
    if state.disbursed and charged - settled != outstanding:
        yield f"{charged} charged, {settled} settled, {outstanding} outstanding"


def repayment_rows(books: LoanBooks) -> Iterator[str]:
    """B15: a repayment's row has its applied and overpaid amounts; a repayment that does not count has 0."""
    for id, row in sorted(books.orders.items()):
        derived = books.rebuilt.applied.get(id, (0, 0))
        if row != derived:
            yield f"{id} says {row[0]} applied and {row[1]} overpaid, its loan's facts {derived[0]} and {derived[1]}"


def accounts(books: LoanBooks) -> Iterator[str]:
    """B1: each transaction moves money between two accounts of the chart."""
    for posted in books.journal:
        if not posted.movement.postings:
            yield f"{posted.id} moves nothing"
        for debit, credit, _ in posted.movement.postings:
            if not (is_in_chart(debit) and is_in_chart(credit)) or debit == credit:
                yield f"{posted.id} moves from {credit} to {debit}"


def amounts(books: LoanBooks) -> Iterator[str]:
    """B4: each amount is above zero, in the loan's currency."""
    for posted in books.journal:
        for _, _, amount in posted.movement.postings:
            if amount <= 0 or posted.currency != books.loan.currency:
                yield f"{posted.id} has {amount} {posted.currency}"


def loan_chain(books: LoanBooks) -> Iterator[str]:
    """B3, for a loan's chain."""
    return chain(books.loan.id, books.loan.next_seq, books.loan.head_hash, books.journal)


def chain(id: str, next_seq: int, head_hash: str, journal: Sequence[Posted]) -> Iterator[str]:
    """B3, for the chain of a loan or a channel: numbers without gaps, each hash over the one before."""
    prev, seq = NO_HASH, 1
    for posted in journal:
        if posted.seq != seq:
            yield f"number {seq} is missing before {posted.seq}"
        digest = chain_hash(prev, id, posted.seq, posted.movement, posted.reverses, posted.currency, posted.recorded_ms)
        if (posted.prev_hash, posted.hash) != (prev, digest):
            yield f"{posted.id} does not fit its hash"
        prev, seq = posted.hash, posted.seq + 1
    if (next_seq, head_hash) != (seq, prev):
        yield f"the next number should be {next_seq}, the journal says {seq}"


def reversals(books: LoanBooks) -> Iterator[str]:
    """B11: a reversal is the exact opposite of one earlier transaction, which no other transaction reverses."""
    journal = books.journal
    by_seq = {posted.seq: posted for posted in journal}
    reversed_seqs: set[int] = set()
    for posted in journal:
        if posted.reverses is None:
            continue
        target = by_seq.get(posted.reverses)
        if target is None or target.seq >= posted.seq or target.reverses is not None:
            yield f"{posted.id} reverses number {posted.reverses}, which it cannot"
        elif opposite(target.movement) != posted.movement:
            yield f"{posted.id} is not the opposite of {target.id}"
        if posted.reverses in reversed_seqs:
            yield f"number {posted.reverses} is reversed twice"
        reversed_seqs.add(posted.reverses)


def receipts(books: LoanBooks) -> Iterator[str]:
    """B6: each receipt is posted once, and applied in full."""
    landed: dict[str, int] = {}
    applied: dict[str, int] = {}
    times: dict[tuple[str, str], int] = {}
    for posted in books.live:
        movement = posted.movement
        ref = movement.ref
        if movement.kind in ("receipt", "repayment"):
            times[movement.kind, ref] = times.get((movement.kind, ref), 0) + 1
        for debit, credit, amount in movement.postings:
            landed[ref] = landed.get(ref, 0) + (amount if credit == "2102" else 0)
            applied[ref] = applied.get(ref, 0) + (amount if debit == "2102" else 0)
    for (kind, ref), count in times.items():
        if count > 1:
            yield f"{kind} {ref} is posted {count} times"
    counting = books.standing
    received = {
        fact.id: fact
        for fact in books.facts
        if fact.kind == RECEIPT or (fact.kind == SECOND_RECEIPT and fact.id not in counting.void)
    }
    moved_by_edits = {fact.id for fact in books.facts if fact.kind in (EDIT, PAYMENT_RETURN)}
    for id in sorted((received.keys() | landed.keys() | applied.keys()) - moved_by_edits):
        fact = received.get(id)
        amount = fact.amount_minor if fact else 0
        lands_here = 0 if fact is None or fact.landed else amount
        has_landed, is_applied = landed.get(id, 0), applied.get(id, 0)
        if has_landed != lands_here or is_applied != (0 if id in counting.void or id in counting.gone else amount):
            sums = [format_minor(sum_minor, books.loan.currency) for sum_minor in (amount, has_landed, is_applied)]
            yield "{}: {} received, {} landed, {} applied".format(id, *sums)


def buckets(books: LoanBooks) -> Iterator[str]:
    """B8: the instalments' principal is the loan's, and each bucket's paid amount is from 0 to its charged amount."""
    state = books.rebuilt
    if sum(i.principal for i in state.instalments) != books.loan.principal_minor:
        yield "the instalments' principal is not the loan's"
    for i in state.instalments:
        if (
            0 <= i.principal_paid <= i.principal
            and 0 <= i.interest_paid <= i.interest
            and 0 <= i.fee_paid <= i.fee
            and 0 <= i.penalty_principal_paid <= i.penalty_principal
            and 0 <= i.penalty_interest_paid <= i.penalty_interest
        ):
            continue
        for bucket in ("principal", "interest", "fee", "penalty_principal", "penalty_interest"):
            if not 0 <= getattr(i, bucket + "_paid") <= getattr(i, bucket):
                yield f"instalment {i.n}: {bucket} {getattr(i, bucket)}, paid {getattr(i, bucket + '_paid')}"


def accrual_periods(books: LoanBooks) -> Iterator[str]:
    """B10: interest accrues exactly once for each day."""
    periods = sorted(posted.movement.period for posted in books.live if posted.movement.period is not None)
    for start, stop in periods:
        if start >= stop:
            yield f"a period from {start} to {stop}"
    for (_, stop), (start, _) in pairwise(periods):
        if start != stop:
            yield f"accrued up to {stop}, then from {start}"


def status(books: LoanBooks) -> Iterator[str]:
    """B12: the status is the one that balances and dates derive."""
    loan, state = books.loan, books.rebuilt
    receivable = disbursed = 0
    for posted in books.journal:
        disbursed += posted.movement.kind == "disbursement_confirmed"
        for debit, credit, amount in posted.movement.postings:
            receivable += (amount if debit in _RECEIVABLE else 0) - (amount if credit in _RECEIVABLE else 0)
    if (loan.status in SETTLED) != (receivable == 0 and disbursed > 0):
        yield f"the loan is {loan.status} with {receivable} receivable"
    if loan.status != state.status:
        yield f"the loan is {loan.status}, its facts derive {state.status}"


def certificate(id: str, journal_seq: int, journal_hash: str, journal: Sequence[Posted]) -> Iterator[str]:
    """V8, from the journal alone: at `journal_seq` the loan was disbursed, with no receivable and no loss left."""
    receivable = loss = disbursed = 0
    last: Posted | None = None
    for posted in journal:
        if posted.seq > journal_seq:
            break
        last = posted
        disbursed += posted.movement.kind == "disbursement_confirmed"
        for debit, credit, amount in posted.movement.postings:
            receivable += (amount if debit in _RECEIVABLE else 0) - (amount if credit in _RECEIVABLE else 0)
            loss += (amount if debit in LOSS else 0) - (amount if credit in LOSS else 0)
    if last is None or (last.seq, last.hash) != (journal_seq, journal_hash):
        yield f"{id} names number {journal_seq}, which the journal does not have as it says"
    elif not disbursed or receivable or loss:
        yield f"{id} was issued with {receivable} receivable and {loss} lost"


def replayed(books: LoanBooks) -> Iterator[str]:
    """B13: the facts derive the journal and the stored projection."""
    if not books.agrees:
        yield "the stored projection is not the replay of the facts"
    in_journal = [transaction.movement for transaction in books.live]
    if in_journal == books.rebuilt.movements:
        return
    posted, derived = Counter(in_journal), Counter(books.rebuilt.movements)
    for movement in posted - derived:
        yield f"the journal has a {movement.kind} of {movement.ref} that the facts do not derive"
    for movement in derived - posted:
        yield f"the journal lacks a {movement.kind} of {movement.ref} that the facts derive"


def trial_balance(totals: Totals) -> Iterator[str]:
    """B2: the balances of all accounts add up to zero."""
    if sum(totals.balances.values()) != 0:
        yield f"the trial balance is {sum(totals.balances.values())}"


def stray_postings(totals: Totals) -> Iterator[str]:
    """B1, over all loans: each posting belongs to a transaction."""
    for chain_id, seq in totals.strays:
        yield f"a posting of {chain_id}, number {seq}, belongs to no transaction"


def channel_money(totals: Totals) -> Iterator[str]:
    """W1: each channel took the money that it took in the world."""
    for channel in sorted(totals.taken.keys() | totals.received.keys()):
        taken, received = totals.taken.get(channel, 0), totals.received.get(channel, 0)
        if taken != received:
            yield f"{channel} took {taken}, the world saw {received}"


def clearing(totals: Totals) -> Iterator[str]:
    """C1: a channel's clearing account has the money that the channel holds by the books."""
    cleared = {account.partition(":")[2] for account in totals.balances if account.startswith("1002:")}
    for channel in sorted(cleared | totals.known.keys()):
        balance = totals.balances.get(f"1002:{channel}", 0)
        if balance != totals.known.get(channel, 0):
            yield f"{channel}: {balance} in clearing, {totals.known.get(channel, 0)} in known receipts and payments"
