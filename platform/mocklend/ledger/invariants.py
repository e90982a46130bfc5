"""The invariants, as named functions. No fault may break one: they hold whatever is armed.

W holds of the world and B of the books. Each function yields what is wrong, in words; nothing yielded means that it
holds. `audit/checks.py` lists them all, each with its code and its sentence. B5, B7, B9 and B14 are laws of commands:
the tests hold them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from mocklend.domain.facts import EDIT, PAYMENT_RETURN, RECEIPT, SECOND_RECEIPT, Fact, standing
from mocklend.domain.replay import LoanState, dump
from mocklend.domain.statuses import LoanStatus
from mocklend.ledger.accounts import RECEIVABLES, known
from mocklend.ledger.journal import NO_HASH, Posted, chain_hash, live, opposite
from mocklend.storage.entities import Loan

SETTLED = (LoanStatus.CLEAR, LoanStatus.OFF)
"""Paid, or given up: a loan that was paid out and of which nothing is receivable. Which of the two, replay says."""

LOSS = ("5002", "4003")
"""What was given up, and what came in on it after all: together zero once a written-off loan is paid up."""


@dataclass(frozen=True, slots=True)
class LoanWorld:
    """What really happened to one loan, and the replay of it."""

    facts: Sequence[Fact]
    state: LoanState


@dataclass(frozen=True, slots=True)
class LoanBooks:
    """One loan's books. `rebuilt` is the replay of its facts; `orders` what its repayments' rows say.

    That is for each repayment the amount applied and the amount overpaid, in minor units.
    """

    loan: Loan
    facts: Sequence[Fact]
    journal: Sequence[Posted]
    rebuilt: LoanState
    orders: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a sandbox, in minor units: by account, then by channel. `strays` are postings of no transaction.

    `known` is what the books know a channel to hold, `taken` what it has taken, `received` what the world saw it take.
    """

    balances: Mapping[str, int]
    known: Mapping[str, int]
    taken: Mapping[str, int]
    received: Mapping[str, int]
    strays: Sequence[tuple[str, int]]


def single_success(world: LoanWorld) -> Iterator[str]:
    """W2: no order succeeds twice."""
    receipts = Counter(fact.id for fact in world.facts if fact.kind == RECEIPT)
    for id, times in receipts.items():
        if times > 1:
            yield f"{id} succeeded {times} times"


def true_outstanding(world: LoanWorld) -> Iterator[str]:
    """W3: what is outstanding is what was charged less what was settled."""
    state = world.state
    if state.outstanding_minor < 0:
        yield f"outstanding is {state.outstanding_minor}"
    charged = sum(
        i.principal + i.interest + i.fee + i.penalty_principal + i.penalty_interest for i in state.instalments
    )
    settled = sum(i.paid for i in state.instalments)
    if state.disbursed and charged - settled != state.outstanding_minor:
        yield f"{charged} charged, {settled} settled, {state.outstanding_minor} outstanding"


def repayment_rows(books: LoanBooks) -> Iterator[str]:
    """B15: a repayment that does not count, or not any more, has settled nothing."""
    for id, said in books.orders.items():
        wanted = books.rebuilt.applied.get(id, (0, 0))
        if said != wanted:
            yield f"{id} says {said[0]} applied and {said[1]} overpaid, its loan's facts {wanted[0]} and {wanted[1]}"


def accounts(books: LoanBooks) -> Iterator[str]:
    """B1: each transaction moves something, between two accounts of the chart."""
    for one in books.journal:
        if not one.movement.postings:
            yield f"{one.id} moves nothing"
        for debit, credit, _ in one.movement.postings:
            if not (known(debit) and known(credit)) or debit == credit:
                yield f"{one.id} moves from {credit} to {debit}"


def amounts(books: LoanBooks) -> Iterator[str]:
    """B4: each amount is above zero, in the loan's currency."""
    for one in books.journal:
        for _, _, amount in one.movement.postings:
            if amount <= 0 or one.currency != books.loan.currency:
                yield f"{one.id} has {amount} {one.currency}"


def loan_chain(books: LoanBooks) -> Iterator[str]:
    """B3, of a loan's chain."""
    return chain(books.loan.id, books.loan.next_seq, books.loan.head_hash, books.journal)


def chain(id: str, next_seq: int, head_hash: str, journal: Sequence[Posted]) -> Iterator[str]:
    """B3, of a loan's chain or a channel's."""
    prev, seq = NO_HASH, 1
    for one in journal:
        if one.seq != seq:
            yield f"number {seq} is missing before {one.seq}"
        digest = chain_hash(prev, id, one.seq, one.movement, one.reverses, one.currency, one.recorded_ms)
        if (one.prev_hash, one.hash) != (prev, digest):
            yield f"{one.id} does not fit its hash"
        prev, seq = one.hash, one.seq + 1
    if (next_seq, head_hash) != (seq, prev):
        yield f"the next number should be {next_seq}, the journal says {seq}"


def reversals(books: LoanBooks) -> Iterator[str]:
    """B11: a reversal is the exact opposite of one earlier transaction, which no other has taken back."""
    journal = books.journal
    by_seq = {one.seq: one for one in journal}
    taken_back: set[int] = set()
    for one in journal:
        if one.reverses is None:
            continue
        target = by_seq.get(one.reverses)
        if target is None or target.seq >= one.seq or target.reverses is not None:
            yield f"{one.id} reverses number {one.reverses}, which it cannot"
        elif opposite(target.movement) != one.movement:
            yield f"{one.id} is not the opposite of {target.id}"
        if one.reverses in taken_back:
            yield f"number {one.reverses} is reversed twice"
        taken_back.add(one.reverses)


def receipts(books: LoanBooks) -> Iterator[str]:
    """B6: what came in is posted once, and all of it goes somewhere."""
    landed: Counter[str] = Counter()
    out: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for one in live(books.journal):
        times[f"{one.movement.kind} {one.movement.ref}"] += one.movement.kind in ("receipt", "repayment")
        for debit, credit, amount in one.movement.postings:
            landed[one.movement.ref] += amount if credit == "2102" else 0
            out[one.movement.ref] += amount if debit == "2102" else 0
    for what, count in times.items():
        if count > 1:
            yield f"{what} is posted {count} times"
    left = standing(books.facts)
    received = {
        fact.id: fact
        for fact in books.facts
        if fact.kind == RECEIPT or (fact.kind == SECOND_RECEIPT and fact.id not in left.void)
    }
    moved_by_edits = {fact.id for fact in books.facts if fact.kind in (EDIT, PAYMENT_RETURN)}
    for id in sorted((received.keys() | landed.keys() | out.keys()) - moved_by_edits):
        fact = received.get(id)
        amount = fact.amount_minor if fact else 0
        lands_here = 0 if fact is None or fact.landed else amount
        if landed[id] != lands_here or out[id] != (0 if id in left.void | left.gone else amount):
            yield f"{id}: {amount} received, {landed[id]} landed, {out[id]} applied"


def buckets(books: LoanBooks) -> Iterator[str]:
    """B8: the principal is the loan's, and no bucket is negative or got more than it asked for."""
    state = books.rebuilt
    if sum(i.principal for i in state.instalments) != books.loan.principal_minor:
        yield "the instalments' principal is not the loan's"
    for i in state.instalments:
        for bucket in ("principal", "interest", "fee", "penalty_principal", "penalty_interest"):
            if not 0 <= getattr(i, bucket + "_paid") <= getattr(i, bucket):
                yield f"instalment {i.n}: {bucket} {getattr(i, bucket)}, paid {getattr(i, bucket + '_paid')}"


def accrual_periods(books: LoanBooks) -> Iterator[str]:
    """B10: interest is accrued for each day once."""
    periods = sorted(one.movement.period for one in live(books.journal) if one.movement.period is not None)
    for start, stop in periods:
        if start >= stop:
            yield f"a period from {start} to {stop}"
    for (_, stop), (start, _) in pairwise(periods):
        if start != stop:
            yield f"accrued up to {stop}, then from {start}"


def status(books: LoanBooks) -> Iterator[str]:
    """B12: the status is what balances and dates give."""
    loan, state = books.loan, books.rebuilt
    receivable = disbursed = 0
    for one in books.journal:
        disbursed += one.movement.kind == "disbursement_confirmed"
        for debit, credit, amount in one.movement.postings:
            receivable += (amount if debit in RECEIVABLES else 0) - (amount if credit in RECEIVABLES else 0)
    if (loan.status in SETTLED) != (receivable == 0 and disbursed > 0):
        yield f"the loan is {loan.status} with {receivable} receivable"
    if loan.status != state.status:
        yield f"the loan is {loan.status}, its facts derive {state.status}"


def certificate(id: str, journal_seq: int, journal_hash: str, journal: Sequence[Posted]) -> Iterator[str]:
    """V8, from the journal alone: up to there the loan was paid out, nothing receivable and no loss left over."""
    receivable = loss = disbursed = 0
    last: Posted | None = None
    for one in journal:
        if one.seq > journal_seq:
            break
        last = one
        disbursed += one.movement.kind == "disbursement_confirmed"
        for debit, credit, amount in one.movement.postings:
            receivable += (amount if debit in RECEIVABLES else 0) - (amount if credit in RECEIVABLES else 0)
            loss += (amount if debit in LOSS else 0) - (amount if credit in LOSS else 0)
    if last is None or (last.seq, last.hash) != (journal_seq, journal_hash):
        yield f"{id} names number {journal_seq}, which the journal does not have as it says"
    elif not disbursed or receivable or loss:
        yield f"{id} was issued with {receivable} receivable and {loss} lost"


def replayed(books: LoanBooks) -> Iterator[str]:
    """B13: the facts give the journal, and the projection that is stored."""
    state = books.rebuilt
    if dump(state) != books.loan.state:
        yield "the stored projection is not the replay of the facts"
    posted = Counter(one.movement for one in live(books.journal))
    wanted = Counter(state.movements)
    for movement in posted - wanted:
        yield f"the journal has a {movement.kind} of {movement.ref} that the facts do not give"
    for movement in wanted - posted:
        yield f"the journal lacks a {movement.kind} of {movement.ref} that the facts give"


def trial_balance(totals: Totals) -> Iterator[str]:
    """B2: all accounts together are zero."""
    if sum(totals.balances.values()) != 0:
        yield f"the trial balance is {sum(totals.balances.values())}"


def stray_postings(totals: Totals) -> Iterator[str]:
    """B1, over all loans: each posting belongs to a transaction."""
    for chain_id, seq in totals.strays:
        yield f"a posting of {chain_id}, number {seq}, belongs to no transaction"


def channel_money(totals: Totals) -> Iterator[str]:
    """W1: a channel took what the world saw it take."""
    for channel in sorted(totals.taken.keys() | totals.received.keys()):
        taken, received = totals.taken.get(channel, 0), totals.received.get(channel, 0)
        if taken != received:
            yield f"{channel} took {taken}, the world saw {received}"


def clearing(totals: Totals) -> Iterator[str]:
    """C1: a channel's clearing account is what the books know it to hold."""
    cleared = {account.partition(":")[2] for account in totals.balances if account.startswith("1002:")}
    for channel in sorted(cleared | totals.known.keys()):
        balance = totals.balances.get(f"1002:{channel}", 0)
        if balance != totals.known.get(channel, 0):
            yield f"{channel}: {balance} in clearing, {totals.known.get(channel, 0)} in known receipts and payments"
