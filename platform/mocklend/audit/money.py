"""World against books: each movement is on both sides once, with one amount, or is in transit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from itertools import chain
from typing import NamedTuple

from mocklend.audit.subjects import AT_ONCE, AuditedLoan, AuditedLoans
from mocklend.domain.facts import (
    MOVED,
    PAYMENT_RETURN,
    RECEIPT,
    REVERSAL,
    SECOND_RECEIPT,
    STATUS_OVERRIDE,
    Fact,
    booked,
    standing,
)
from mocklend.domain.finding import Discrepancy, Finding, InTransit
from mocklend.domain.money import format_minor
from mocklend.domain.statuses import ReceiptState
from mocklend.monitoring.channel_checks import unapplied
from mocklend.sandboxes.ids import callback_of, order_no, receipt_behind, repayment_of
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.entities import Callback, Receipt, Trade
from mocklend.storage.snapshot import SandboxReader, Snapshot
from mocklend.world.reading import ids_on_a_loan, unclaimed_money


def check_movements(group: AuditedLoans) -> Iterator[Discrepancy | InTransit]:
    """Find movements that are on one side only, or with different amounts, channels or days.

    If there are none, every balance agrees. Classes: `missing_in_books`, `missing_in_channel`, `unsupported`,
    `unidentified`, `amount_mismatch`, `misapplied` and `duplicate_in_books`. A movement whose callback is still to
    come, untouched by any fault, is in transit.
    """
    second, elsewhere = _second_receipts(group), _elsewhere(group)
    missing: list[_Missing] = []
    for loan in group.loans:
        if loan.sides_agree:
            continue  # The same facts count on both sides.
        yield from _compare(loan, second, elsewhere[loan.loan.id], missing)
    yield from _missing(group.snapshot, missing)


def check_unclaimed_money(snapshot: Snapshot) -> Iterator[Discrepancy | InTransit]:
    """Find money whose payer named no loan, and that the books do not have even as unapplied: `missing_in_books`."""
    yield from _missing(snapshot, [_Missing(None, None, fact) for fact in unclaimed_money(snapshot)])


def live_facts(facts: Sequence[Fact]) -> dict[str, Fact]:
    """Return the facts that move something and count, each event once. A status override moves nothing.

    A receipt whose payment was returned did happen, and so did the return: each side should have both.
    """
    effects = standing(facts)
    return {
        booked(fact.id): fact
        for fact in facts
        if fact.kind not in (REVERSAL, STATUS_OVERRIDE, MOVED) and fact.id not in effects.gone | effects.undone
    }


def check_reversals(audited: AuditedLoan) -> Iterator[Discrepancy]:
    """Find reversals of another entry than the one that was meant: class `misapplied`."""
    if audited.sides_agree:
        return
    world, books = audited.world.facts, audited.books.facts
    crossed = _crossed(world, books) - standing(books).undone
    if not crossed:
        return
    meant = {fact.id: fact.reverses for fact in world if fact.kind == REVERSAL}
    amounts = {booked(fact.id): fact.amount_minor for fact in world}
    for fact in books:
        if fact.id in crossed:
            stake = amounts.get(meant[fact.id] or "", 0)
            detail = f"{fact.reverses} was reversed, but {meant[fact.id]} was meant"
            yield Discrepancy(Finding("misapplied", fact.id, stake), audited.loan.id, audited.loan.currency, detail)


def _crossed(world: Sequence[Fact], books: Sequence[Fact]) -> set[str]:
    """Return the ids of reversals that are on both sides and reverse different entries. Each is a break of its own."""
    meant = {fact.id: fact.reverses for fact in world if fact.kind == REVERSAL}
    return {fact.id for fact in books if fact.kind == REVERSAL and meant.get(fact.id, fact.reverses) != fact.reverses}


def _denied(books: Sequence[Fact], world_ids: Set[str]) -> dict[str, Fact]:
    """Return what counts on the books without the reversals that nobody decided: their booking is a separate check."""
    decided = [fact for fact in books if fact.kind != REVERSAL or fact.id in world_ids]
    return {} if len(decided) == len(books) else live_facts(decided)


def _failed(facts: Sequence[Fact]) -> frozenset[str]:
    """Return the payments that their channel has returned. How they were booked before makes no difference any more."""
    effects = standing(facts)
    return frozenset(booked(id) for id in effects.void - effects.undone)


def _terms(fact: Fact) -> tuple[int, date, str | None, str | None]:
    return (fact.at_ms, fact.on, fact.channel, fact.scope)


def _compare(
    audited: AuditedLoan,
    second: Mapping[str, str],
    elsewhere: Set[str],
    missing: list[_Missing],
) -> Iterator[Discrepancy]:
    """Compare the two sides of a loan. What happened and is not on the books is added to `missing`.

    `second` has the order behind each second receipt. Events that belong `elsewhere`, to another loan, are reported on
    that loan.
    """
    loan, currency = audited.loan, audited.loan.currency
    crossed = _crossed(audited.world.facts, audited.books.facts)
    world = [fact for fact in audited.world.facts if fact.id not in crossed]
    books = [fact for fact in audited.books.facts if fact.id not in crossed]
    in_world, in_books = live_facts(world), live_facts(books)
    world_ids = {fact.id for fact in world}
    denied = _denied(books, world_ids)
    returned = _failed(world) & _failed(books)
    for id, fact in in_world.items():
        entry = in_books.get(id)
        if entry is None:
            missing.append(_Missing(loan.id, currency, fact))
            entry = denied.get(id, fact)
        if entry.amount_minor != fact.amount_minor or entry.edit_kind != fact.edit_kind:
            meant, on_books = format_minor(fact.amount_minor, currency), format_minor(entry.amount_minor, currency)
            detail = f"meant or paid: {meant}, on the books: {on_books}"
            stake = abs(entry.amount_minor - fact.amount_minor)
            yield Discrepancy(Finding("amount_mismatch", id, stake), loan.id, currency, detail)
        elif id not in returned and _terms(entry) != _terms(fact):
            booked_as = f"{entry.kind} of {entry.on} through {entry.channel}"
            detail = f"booked as {booked_as}, happened on {fact.on} through {fact.channel}"
            yield Discrepancy(Finding("misapplied", id, fact.amount_minor), loan.id, currency, detail)
    for id, fact in in_books.items():
        if id not in in_world and second.get(id) in world_ids:
            amount = format_minor(fact.amount_minor, currency)
            detail = f"{amount} is on the books besides the receipt of {second[id]}, which was paid once"
            yield Discrepancy(Finding("duplicate_in_books", id, fact.amount_minor), loan.id, currency, detail)
        elif id not in in_world and id not in elsewhere:
            finding_class = "unsupported" if fact.channel is None else "missing_in_channel"
            detail = f"the books have a {fact.kind} of {format_minor(fact.amount_minor, currency)} that never happened"
            yield Discrepancy(Finding(finding_class, id, abs(fact.amount_minor)), loan.id, currency, detail)


def _second_receipts(group: AuditedLoans) -> dict[str, str]:
    """Return the order behind each second receipt on the books of some loans, in one query."""
    apart = [loan for loan in group.loans if not loan.sides_agree]
    ids = [fact.id for loan in apart for fact in loan.books.facts if fact.kind == SECOND_RECEIPT]
    return {receipt.id: repayment_of(receipt.out_trade_no) for receipt in group.snapshot.find_all(Receipt, ids)}


def _elsewhere(group: AuditedLoans) -> dict[str, set[str]]:
    """Return by loan the push payments that its books have and that the world has on another loan."""
    strays = {
        loan.loan.id: {
            id
            for id, fact in live_facts(loan.books.facts).items()
            if fact.kind in (RECEIPT, PAYMENT_RETURN) and receipt_behind(id).startswith("rct_")
        }
        - live_facts(loan.world.facts).keys()
        for loan in group.loans
        if not loan.sides_agree
    }
    ids = sorted(set(chain.from_iterable(strays.values())))
    if not ids:
        return strays
    on_a_loan = ids_on_a_loan(group.snapshot, ids)
    return {loan_id: ids & on_a_loan for loan_id, ids in strays.items()}


def strays_of(group: AuditedLoans) -> Iterator[Discrepancy]:
    """Find push payments that the books have on these loans and that belong to another: class `misapplied`.

    The audit reports them on the loan that they belong to.
    """
    for loan_id, ids in _elsewhere(group).items():
        for id in sorted(ids):
            loan, fact = next(
                (loan, fact) for loan in group.loans for fact in loan.books.facts if booked(fact.id) == id
            )
            currency = loan.loan.currency
            amount = format_minor(fact.amount_minor, currency)
            detail = f"{amount} through {fact.channel} is on {loan_id}, but belongs to another loan"
            yield Discrepancy(Finding("misapplied", id, fact.amount_minor), loan_id, currency, detail)


class _Missing(NamedTuple):
    """What happened and the books do not have. Without a loan its currency is that of the channel's trade."""

    loan_id: str | None
    currency: str | None
    fact: Fact


def _missing(reader: SandboxReader, missing: Sequence[_Missing]) -> Iterator[Discrepancy | InTransit]:
    """Classify what happened and the books do not have, one query per kind: in transit, or lost."""
    for start in range(0, len(missing), AT_ONCE):
        part = missing[start : start + AT_ONCE]
        receipts = reader.by_id(Receipt, [receipt_behind(each.fact.id) for each in part])
        callbacks = reader.by_id(Callback, [callback_of(each.fact.id) for each in part])
        trades = reader.by_id(Trade, [_order_of(each.fact) for each in part if each.currency is None])
        for loan_id, of_loan, fact in part:
            receipt, callback = receipts.get(receipt_behind(fact.id)), callbacks.get(callback_of(fact.id))
            currency = trades[_order_of(fact)].currency if of_loan is None else of_loan
            yield from _lost_or_on_its_way(loan_id, currency, fact, receipt, callback)


def _order_of(fact: Fact) -> str:
    return order_no(receipt_behind(fact.id))


def _lost_or_on_its_way(
    loan_id: str | None, currency: str, fact: Fact, receipt: Receipt | None, callback: Callback | None
) -> Iterator[Discrepancy | InTransit]:
    if (
        receipt is not None
        and receipt.state == ReceiptState.RETURNED
        and (receipt.loan_id is None or receipt.loan_id != loan_id)
    ):
        return  # It was paid and returned before its loan was known; another chain has both.
    amount = format_minor(fact.amount_minor, currency)
    if receipt is not None and receipt.loan_id not in (None, loan_id) and fact.kind == RECEIPT:
        detail = f"{amount} through {receipt.channel} is on {receipt.loan_id}, but belongs to {loan_id}"
        yield Discrepancy(Finding("misapplied", fact.id, fact.amount_minor), loan_id, currency, detail)
        return
    if receipt is not None and receipt.loan_id is None and fact.kind == RECEIPT:
        detail = unapplied(
            receipt.amount_minor, receipt.currency, receipt.channel, receipt.payer_name, receipt.payer_reference
        )
        yield Discrepancy(Finding("unidentified", fact.id, fact.amount_minor), loan_id, currency, detail)
        return
    if callback is not None and callback.attempts == 0 and callback.due_ms is not None:
        yield InTransit(fact.id, loan_id, fact.at_ms, f"{callback.channel} is about to call back")
        return
    if fact.kind == PAYMENT_RETURN:
        # Whatever the books know of the payment, the money is gone: a reconciler sees it the same way.
        detail = f"{fact.channel} took back {amount} at {rfc3339(fact.at_ms)}, which is not on the books"
        finding = Finding("missing_in_channel", receipt_behind(fact.id), fact.amount_minor)
        yield Discrepancy(finding, loan_id, currency, detail)
        return
    tried = f"{callback.attempts} attempts, {callback.state}" if callback else "no callback"
    detail = f"{fact.kind} of {amount} at {rfc3339(fact.at_ms)} is not on the books: {tried}"
    yield Discrepancy(Finding("missing_in_books", fact.id, fact.amount_minor), loan_id, currency, detail)
