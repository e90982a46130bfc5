"""The invariants, as named functions: code, tests, the load test's judge and the audit all ask these.

W holds of the world and B of the books, always, whatever faults are active: no fault may break them. Each function
yields what is wrong; nothing yielded means that it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from mocklend.domain.facts import EDIT, LATE_FAILURE, RECEIPT, SECOND_RECEIPT, Fact, standing
from mocklend.domain.replay import LoanState, dump
from mocklend.ledger.accounts import RECEIVABLES, known
from mocklend.ledger.journal import NO_HASH, Posted, chain_hash, live, opposite
from mocklend.storage.entities import Loan

STATEMENTS: dict[str, str] = {
    "W1": "Channel money is conserved: what the channels took is what borrowers paid.",
    "W2": "Each order succeeds at its channel at most once.",
    "W3": "The true outstanding is never negative, and is what was lent and earned less what was settled.",
    "B1": "Every transaction moves something between accounts of the chart.",
    "B2": "The trial balance is zero.",
    "B3": "The hash chain verifies and its numbers have no gap.",
    "B4": "Amounts are above zero, in the loan's currency.",
    "B6": "Each receipt is on the books at most once; applied and overpaid and unapplied make up what was received.",
    "B8": "The instalments' principal adds up to the loan's, and no bucket is negative or overpaid.",
    "B10": "Accrual periods tile time without gap or overlap.",
    "B11": "A reversal takes back one transaction, exactly, and none is taken back twice.",
    "B12": "The status is a function of balances and dates: CLEAR if and only if nothing is receivable.",
    "B13": "Replaying the facts gives the journal, the balances and the stored projection.",
    "B15": "A repayment's row says how much of it settled something and how much was too much, as its loan's facts do.",
    "V4": "The page says what its version says.",
    "V8": "A settlement certificate names a point of the journal at which the books said CLEAR.",
    "C1": "A channel's clearing account is what the books know the channel to hold.",
}
"""What each invariant says. B5 and B7, B9, B14 are laws of commands: the tests hold them."""

SETTLED = ("CLEAR", "OFF")
"""Paid, or given up: a loan that was paid out and of which nothing is receivable. Which of the two, replay says."""

LOSS = ("5002", "4003")
"""What was given up, and what came in on it after all: together zero once a written-off loan is paid up."""

Broken = tuple[str, str]


def world(facts: Sequence[Fact], state: LoanState) -> Iterator[Broken]:
    """W2 and W3, of one loan."""
    receipts = Counter(fact.id for fact in facts if fact.kind == RECEIPT)
    for id, times in receipts.items():
        if times > 1:
            yield "W2", f"{id} succeeded {times} times"
    if state.outstanding_minor < 0:
        yield "W3", f"outstanding is {state.outstanding_minor}"
    charged = sum(
        i.principal + i.interest + i.fee + i.penalty_principal + i.penalty_interest for i in state.instalments
    )
    settled = sum(i.paid for i in state.instalments)
    if state.disbursed and charged - settled != state.outstanding_minor:
        yield "W3", f"{charged} charged, {settled} settled, {state.outstanding_minor} outstanding"


def books(loan: Loan, facts: Sequence[Fact], journal: Sequence[Posted], rebuilt: LoanState) -> Iterator[Broken]:
    """Every B invariant of one loan. `rebuilt` is the replay of its facts."""
    yield from _postings(loan, journal)
    yield from chain(loan.id, loan.next_seq, loan.head_hash, journal)
    yield from _reversals(journal)
    yield from _receipts(facts, journal)
    yield from _buckets(loan, rebuilt)
    yield from _periods(journal)
    yield from _status(loan, journal, rebuilt)
    yield from _replayed(loan, journal, rebuilt)


def orders(kept: Mapping[str, tuple[int, int]], rebuilt: LoanState) -> Iterator[Broken]:
    """B15, of one loan: what each of its repayments' rows says, applied and overpaid, against the replay of its facts.

    A repayment that does not count, or not any more, has settled nothing.
    """
    for id, said in kept.items():
        wanted = rebuilt.applied.get(id, (0, 0))
        if said != wanted:
            yield (
                "B15",
                f"{id} says {said[0]} applied and {said[1]} overpaid, its loan's facts {wanted[0]} and {wanted[1]}",
            )


def _postings(loan: Loan, journal: Sequence[Posted]) -> Iterator[Broken]:
    for one in journal:
        if not one.movement.postings:
            yield "B1", f"{one.id} moves nothing"
        for debit, credit, amount in one.movement.postings:
            if not (known(debit) and known(credit)) or debit == credit:
                yield "B1", f"{one.id} moves from {credit} to {debit}"
            if amount <= 0 or one.currency != loan.currency:
                yield "B4", f"{one.id} has {amount} {one.currency}"


def chain(id: str, next_seq: int, head_hash: str, journal: Sequence[Posted]) -> Iterator[Broken]:
    """B3, of a loan's chain or a channel's."""
    prev, seq = NO_HASH, 1
    for one in journal:
        if one.seq != seq:
            yield "B3", f"number {seq} is missing before {one.seq}"
        digest = chain_hash(prev, id, one.seq, one.movement, one.reverses, one.currency, one.recorded_ms)
        if (one.prev_hash, one.hash) != (prev, digest):
            yield "B3", f"{one.id} does not fit its hash"
        prev, seq = one.hash, one.seq + 1
    if (next_seq, head_hash) != (seq, prev):
        yield "B3", f"the next number should be {next_seq}, the journal says {seq}"


def _reversals(journal: Sequence[Posted]) -> Iterator[Broken]:
    by_seq = {one.seq: one for one in journal}
    taken_back: set[int] = set()
    for one in journal:
        if one.reverses is None:
            continue
        target = by_seq.get(one.reverses)
        if target is None or target.seq >= one.seq or target.reverses is not None:
            yield "B11", f"{one.id} reverses number {one.reverses}, which it cannot"
        elif opposite(target.movement) != one.movement:
            yield "B11", f"{one.id} is not the opposite of {target.id}"
        if one.reverses in taken_back:
            yield "B11", f"number {one.reverses} is reversed twice"
        taken_back.add(one.reverses)


def _receipts(facts: Sequence[Fact], journal: Sequence[Posted]) -> Iterator[Broken]:
    landed: Counter[str] = Counter()
    out: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for one in live(journal):
        times[f"{one.movement.kind} {one.movement.ref}"] += one.movement.kind in ("receipt", "repayment")
        for debit, credit, amount in one.movement.postings:
            landed[one.movement.ref] += amount if credit == "2102" else 0
            out[one.movement.ref] += amount if debit == "2102" else 0
    for what, count in times.items():
        if count > 1:
            yield "B6", f"{what} is posted {count} times"
    left = standing(facts)
    received = {
        fact.id: fact
        for fact in facts
        if fact.kind == RECEIPT or (fact.kind == SECOND_RECEIPT and fact.id not in left.void)
    }
    moved_by_edits = {fact.id for fact in facts if fact.kind in (EDIT, LATE_FAILURE)}
    for id in sorted((received.keys() | landed.keys() | out.keys()) - moved_by_edits):
        fact = received.get(id)
        amount = fact.amount_minor if fact else 0
        lands_here = 0 if fact is None or fact.landed else amount
        if landed[id] != lands_here or out[id] != (0 if id in left.void | left.gone else amount):
            yield "B6", f"{id}: {amount} received, {landed[id]} landed, {out[id]} applied"


def _buckets(loan: Loan, state: LoanState) -> Iterator[Broken]:
    if sum(i.principal for i in state.instalments) != loan.principal_minor:
        yield "B8", "the instalments' principal is not the loan's"
    for i in state.instalments:
        for bucket in ("principal", "interest", "fee", "penalty_principal", "penalty_interest"):
            if not 0 <= getattr(i, bucket + "_paid") <= getattr(i, bucket):
                yield "B8", f"instalment {i.n}: {bucket} {getattr(i, bucket)}, paid {getattr(i, bucket + '_paid')}"


def _periods(journal: Sequence[Posted]) -> Iterator[Broken]:
    periods = sorted(one.movement.period for one in live(journal) if one.movement.period is not None)
    for start, stop in periods:
        if start >= stop:
            yield "B10", f"a period from {start} to {stop}"
    for (_, stop), (start, _) in pairwise(periods):
        if start != stop:
            yield "B10", f"accrued up to {stop}, then from {start}"


def _status(loan: Loan, journal: Sequence[Posted], state: LoanState) -> Iterator[Broken]:
    receivable = disbursed = 0
    for one in journal:
        disbursed += one.movement.kind == "disbursement_confirmed"
        for debit, credit, amount in one.movement.postings:
            receivable += (amount if debit in RECEIVABLES else 0) - (amount if credit in RECEIVABLES else 0)
    if (loan.status in SETTLED) != (receivable == 0 and disbursed > 0):
        yield "B12", f"the loan is {loan.status} with {receivable} receivable"
    if loan.status != state.status:
        yield "B12", f"the loan is {loan.status}, its facts derive {state.status}"


def certificate(id: str, journal_seq: int, journal_hash: str, journal: Sequence[Posted]) -> Iterator[Broken]:
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
        yield "V8", f"{id} names number {journal_seq}, which the journal does not have as it says"
    elif not disbursed or receivable or loss:
        yield "V8", f"{id} was issued with {receivable} receivable and {loss} lost"


def _replayed(loan: Loan, journal: Sequence[Posted], state: LoanState) -> Iterator[Broken]:
    if dump(state) != loan.state:
        yield "B13", "the stored projection is not the replay of the facts"
    posted = Counter(one.movement for one in live(journal))
    wanted = Counter(state.movements)
    for movement in posted - wanted:
        yield "B13", f"the journal has a {movement.kind} of {movement.ref} that the facts do not give"
    for movement in wanted - posted:
        yield "B13", f"the journal lacks a {movement.kind} of {movement.ref} that the facts give"


def sandbox(
    balances: Mapping[str, int],
    book_money: Mapping[str, int],
    taken: Mapping[str, int],
    received: Mapping[str, int],
    strays: Sequence[Any],
) -> Iterator[Broken]:
    """B2, C1 and W1, over all loans of a sandbox."""
    if sum(balances.values()) != 0:
        yield "B2", f"the trial balance is {sum(balances.values())}"
    for row in strays:
        yield "B1", f"a posting of {row[0]}, number {row[1]}, belongs to no transaction"
    for channel in sorted(taken.keys() | received.keys()):
        if taken.get(channel, 0) != received.get(channel, 0):
            yield "W1", f"{channel} took {taken.get(channel, 0)}, the world saw {received.get(channel, 0)}"
    clearing = {account.partition(":")[2] for account in balances if account.startswith("1002:")}
    for channel in sorted(clearing | book_money.keys()):
        cleared = balances.get(f"1002:{channel}", 0)
        if cleared != book_money.get(channel, 0):
            yield "C1", f"{channel}: {cleared} in clearing, {book_money.get(channel, 0)} in known receipts and payments"
