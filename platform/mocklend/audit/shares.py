"""The share of some loans in the sums over the whole sandbox, so that an audit of what has changed need not add up all.

A sum over all loans that was right stays right if each loan that has changed has its share on both sides: what its
channels took is what it paid, and what its journal has in clearing is what its facts brought there. Money that came
without an order has a share of its own, since it belongs to no loan at first; of it the books are compared as a whole,
which are the few transactions in the channels' own chains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from mocklend.audit.subjects import AuditedLoan, AuditedLoans
from mocklend.domain.channel import channels
from mocklend.domain.facts import (
    COMPENSATION_PAID,
    DISBURSEMENT,
    PAYMENT_RETURN,
    RECEIPT,
    REFUND_PAID,
    REVERSAL,
    SECOND_RECEIPT,
)
from mocklend.domain.statuses import TradeState
from mocklend.ledger.journal import balances_of
from mocklend.sandboxes.ids import channel_chain, order_no, out_trade_no, receipt_behind
from mocklend.storage.entities import Trade
from mocklend.storage.schema import RECEIPT_PREFIX
from mocklend.storage.snapshot import Snapshot
from mocklend.world.reading import taken_by_receipts

CLEARING = "1002:"
_IN, _OUT = (RECEIPT, SECOND_RECEIPT), (PAYMENT_RETURN, DISBURSEMENT, REFUND_PAID, COMPENSATION_PAID)


_LANDED = """SELECT channel, SUM(amount_minor) FROM receipts
    WHERE sandbox_id = :sandbox_id AND landed = 1 AND NOT (state = 'RETURNED' AND loan_id IS NULL) GROUP BY channel"""
"""What a channel holds by the books of money that came without an order and was booked before its loan was known."""


_TAKEN = f"""SELECT loan_id, channel, SUM(amount_minor) FROM trades
    WHERE sandbox_id = :sandbox_id AND state = '{TradeState.SUCCESS}' AND id"""
_BY_LOAN = " GROUP BY loan_id, channel"


class _Taken(NamedTuple):
    loan_id: str
    channel: str
    amount_minor: int


class _Landed(NamedTuple):
    channel: str
    amount_minor: int


def shares_are_even(group: AuditedLoans) -> bool:
    """Whether these loans have the same share on both sides of each sum."""
    return not any(_cleared(loan) for loan in group.loans) and not _taken(group)


def _cleared(audited: AuditedLoan) -> bool:
    """Whether a loan's journal has another amount in a channel's clearing account than its facts brought there."""
    share: Counter[str] = Counter()
    for posted in audited.books.journal:
        for debit, credit, amount in posted.movement.postings:
            if debit.startswith(CLEARING):
                share[debit] += amount
            if credit.startswith(CLEARING):
                share[credit] -= amount
    reversed_ids = {fact.reverses for fact in audited.books.facts if fact.kind == REVERSAL}
    for fact in audited.books.facts:
        if fact.landed or (fact.kind == SECOND_RECEIPT and fact.id in reversed_ids):
            continue
        if fact.kind in _IN:
            share[f"{CLEARING}{fact.channel}"] -= fact.amount_minor
        elif fact.kind in _OUT:
            share[f"{CLEARING}{fact.channel}"] += fact.amount_minor
    return any(share.values())


def _taken(group: AuditedLoans) -> bool:
    """Whether a channel took another amount by these loans' orders than the world saw it take."""
    share: Counter[tuple[str, str | None]] = Counter()
    orders: list[str] = []
    for loan in group.loans:
        orders += loan.books.orders
        for fact in loan.world.facts:
            if RECEIPT_PREFIX in fact.id:
                continue
            if fact.kind == RECEIPT:
                share[loan.loan.id, fact.channel] -= fact.amount_minor
            elif fact.kind == PAYMENT_RETURN:
                share[loan.loan.id, fact.channel] += fact.amount_minor
    ids = [out_trade_no(id) for id in orders]
    for loan_id, channel, minor in group.snapshot.rows_in(_Taken, _TAKEN, ids, _BY_LOAN) if ids else ():
        share[loan_id, channel] += int(minor)
    return any(share.values())


def receipts_are_even(snapshot: Snapshot, receipt_ids: Collection[str]) -> bool:
    """Whether money without an order has the same share on both sides of each sum, if these receipts have changed."""
    if not receipt_ids:
        return True
    taken: Counter[tuple[str, str]] = Counter()
    for trade in snapshot.find_all(Trade, [order_no(id) for id in sorted(receipt_ids)]):
        if trade.state == TradeState.SUCCESS:
            taken[trade.repayment_id, trade.channel] += trade.amount_minor
    for id, channel, amount_minor in taken_by_receipts(snapshot, sorted(receipt_ids)):
        taken[receipt_behind(id), channel] -= amount_minor
    landed: Counter[str] = Counter()
    for debit, credit, amount_minor in balances_of(snapshot, [channel_chain(id) for id in channels()]):
        landed[debit] += amount_minor
        landed[credit] -= amount_minor
    for channel, amount_minor in snapshot.rows(_Landed, _LANDED):
        landed[f"{CLEARING}{channel}"] -= int(amount_minor)
    in_clearing = [minor for account, minor in landed.items() if account.startswith(CLEARING)]
    return not any(taken.values()) and not any(in_clearing)
