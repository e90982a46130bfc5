"""Everything that a loan's timeline is made of: the chain of its views reads the newest of each kind only."""

from __future__ import annotations

from dataclasses import replace

from mocklend.audit.chain.subject import NEWEST, OF_LOAN, Subject, files_of
from mocklend.sandboxes.ids import out_trade_no
from mocklend.storage.entities import Dispute, Payout, Repayment, Trade

HISTORY_MAX = 1_000
"""How many orders, payouts and disputes of a loan the timeline has, the newest of each."""


def whole(subject: Subject) -> Subject:
    """The loan with all its orders, payouts and disputes, oldest first. It is read again only if some were left out."""
    if not subject.left_out:
        return subject
    snapshot, loan_id = subject.snapshot, subject.loan.id
    newest = f"{OF_LOAN} {NEWEST}"
    orders = snapshot.where(Repayment, newest, loan_id=loan_id, most=HISTORY_MAX)[::-1]
    payouts = snapshot.where(Payout, newest, loan_id=loan_id, most=HISTORY_MAX)[::-1]
    disputes = snapshot.where(Dispute, newest, loan_id=loan_id, most=HISTORY_MAX)[::-1]
    trades = {trade.id: trade for trade in subject.trades}
    trades |= snapshot.by_id(Trade, [out_trade_no(order.id) for order in orders])
    in_order = sorted(trades.values(), key=lambda trade: (trade.created_ms, trade.id))
    return replace(
        subject,
        orders=orders,
        payouts=payouts,
        disputes=disputes,
        trades=in_order,
        files=files_of(snapshot, in_order, payouts),
    )
