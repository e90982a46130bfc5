"""A channel's movements of a day, as a statement has them: its paid and returned trades, and its payouts.

A movement belongs to the day on which it happened, whatever follows: statements are not rewritten.
"""

from __future__ import annotations

from typing import NamedTuple

from mocklend.channels.statements.day import REFUND, REPAYMENT, Heading, Movement, StatementDay
from mocklend.domain.problems import Refused
from mocklend.sandboxes.ids import suffix
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.snapshot import Snapshot
from mocklend.storage.statements import Value
from mocklend.storage.work import Sandbox

_ACCOUNT = "sandbox_id = :sandbox_id AND channel = :channel AND currency = :currency"
_TRADES = f"""SELECT paid_ms, id, channel_trade_no, amount_minor, payer_name, payer_reference, created_ms FROM trades
    WHERE {_ACCOUNT} AND paid_ms >= :from_ms AND paid_ms < :until_ms"""
_PAYOUTS = f"""SELECT paid_ms, id, purpose, amount_minor, loan_id, created_ms FROM payouts
    WHERE {_ACCOUNT} AND paid_ms >= :from_ms AND paid_ms < :until_ms"""
_RETURNED = f"""SELECT returned_ms, id, amount_minor, payer_name, payer_reference, paid_ms FROM trades
    WHERE {_ACCOUNT} AND paid_ms IS NOT NULL AND returned_ms >= :from_ms AND returned_ms < :until_ms"""
_BEFORE = f"""SELECT SUM(moved_minor) FROM (
    SELECT SUM(amount_minor) AS moved_minor FROM trades WHERE {_ACCOUNT} AND paid_ms < :from_ms
    UNION ALL SELECT -SUM(amount_minor) FROM trades WHERE {_ACCOUNT} AND paid_ms IS NOT NULL AND returned_ms < :from_ms
    UNION ALL SELECT -SUM(amount_minor) FROM payouts WHERE {_ACCOUNT} AND paid_ms < :from_ms) AS moved"""
_UNSETTLED = f"""SELECT 1 FROM trades WHERE {_ACCOUNT} AND due_ms < :until_ms
    UNION ALL SELECT 1 FROM trades WHERE {_ACCOUNT} AND return_due_ms < :until_ms
    UNION ALL SELECT 1 FROM payouts WHERE {_ACCOUNT} AND due_ms < :until_ms LIMIT 1"""


def ready_statement(snapshot: Snapshot, heading: Heading) -> StatementDay:
    """A day's statement, available on the next day at the channel's time. Raises Refused `statement_not_ready`."""
    if snapshot.now_ms < heading.ready_ms:
        raise _not_ready(heading, f"the statement of {heading.day} is not available yet")
    if snapshot.exists(_UNSETTLED, **_scope(heading)):
        # A running clock may be ahead of the work: the file is then late, but never wrong.
        raise _not_ready(heading, f"the channel is still settling money of {heading.day}")
    return statement_day(snapshot, heading)


def _not_ready(heading: Heading, detail: str) -> Refused:
    return Refused("statement_not_ready", detail, expected=f"from {rfc3339(heading.ready_ms)}")


def statement_day(snapshot: Snapshot, heading: Heading) -> StatementDay:
    """All movements of a day so far, whether the statement is ready or not."""
    scope, sandbox = _scope(heading), snapshot.sandbox
    movements = [(row.paid_ms, row.id, _paid_in(row)) for row in snapshot.rows(_Trade, _TRADES, **scope)]
    movements += [(row.paid_ms, row.id, _paid_out(sandbox, row)) for row in snapshot.rows(_Payout, _PAYOUTS, **scope)]
    movements += [
        (row.returned_ms, f"{row.id}-R", _returned(sandbox, row)) for row in snapshot.rows(_Failed, _RETURNED, **scope)
    ]
    opening_minor = snapshot.number(_BEFORE, **scope)
    return StatementDay(
        heading, opening_minor, tuple(movement for _, _, movement in sorted(movements, key=lambda f: f[:2]))
    )


def _scope(heading: Heading) -> dict[str, Value]:
    return {
        "channel": heading.channel.id,
        "currency": heading.currency,
        "from_ms": heading.from_ms,
        "until_ms": heading.until_ms,
    }


class _Trade(NamedTuple):
    paid_ms: int
    id: str
    channel_trade_no: str
    amount_minor: int
    payer_name: str | None
    payer_reference: str | None
    created_ms: int


class _Payout(NamedTuple):
    paid_ms: int
    id: str
    purpose: str
    amount_minor: int
    loan_id: str
    created_ms: int


class _Failed(NamedTuple):
    returned_ms: int
    id: str
    amount_minor: int
    payer_name: str | None
    payer_reference: str | None
    paid_ms: int


def _paid_in(row: _Trade) -> Movement:
    paid_ms, id, channel_no, amount, name, reference, ordered_ms = row
    return Movement(id, channel_no, _second(paid_ms), amount, REPAYMENT, name or "", reference or "", ordered_ms)


def _paid_out(sandbox: Sandbox, row: _Payout) -> Movement:
    paid_ms, id, purpose, amount, loan_id, ordered_ms = row
    number = "CH" + suffix(sandbox.seed, "channel", id).upper()
    return Movement(id, number, _second(paid_ms), -amount, purpose, reference=loan_id, ordered_ms=ordered_ms)


def _returned(sandbox: Sandbox, row: _Failed) -> Movement:
    """A payment return is a movement of its own, on its own day. Channels print it like a refund."""
    returned_ms, id, amount, name, reference, ordered_ms = row
    number = "CH" + suffix(sandbox.seed, "late_failure", id).upper()
    return Movement(id, number, _second(returned_ms), -amount, REFUND, name or "", reference or "", ordered_ms)


def _second(at_ms: int) -> int:
    return at_ms // 1000 * 1000
