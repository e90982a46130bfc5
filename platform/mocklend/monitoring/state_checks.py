"""Abnormal states: no two records disagree, but something makes no progress."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from mocklend.domain.money import format_minor
from mocklend.domain.sentences import sentence
from mocklend.language import message
from mocklend.monitoring.seen import ALL, DISPUTE_WARNING_MS, PAYOUT_BOUND_MS, SandboxCheck, Scope, Seen
from mocklend.sandboxes.timestamps import parse_rfc3339, rfc3339
from mocklend.servicing.disputes import UNDECIDED
from mocklend.storage.snapshot import Snapshot

GIVEN_UP = message("{channel} gave up after {attempts} attempts; ask it for the order")
STUCK = {
    "disbursement": message("the disbursement of {amount} through {channel} is still in transit"),
    "refund": message("the refund of {amount} through {channel} is still in transit"),
    "compensation": message("the compensation of {amount} through {channel} is still in transit"),
}
"""What is said of a payout, by its purpose."""
TOO_LATE = message("it is {state} and had to be answered by {answer_at}")
DUE = message("it is {state} and must be answered by {answer_at}")

_EXHAUSTED = """SELECT c.id, c.loan_id, c.channel, t.currency, t.amount_minor, c.queued_ms, c.log, c.attempts
    FROM callbacks c JOIN trades t ON t.sandbox_id = c.sandbox_id AND t.id = c.out_trade_no
    WHERE c.sandbox_id = :sandbox_id AND c.state = 'EXHAUSTED' AND {callbacks}
      AND NOT EXISTS (SELECT 1 FROM book_facts f WHERE f.sandbox_id = c.sandbox_id AND f.id = c.repayment_id)
      AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.sandbox_id = c.sandbox_id AND r.id = c.repayment_id)"""


class _Exhausted(NamedTuple):
    id: str
    loan_id: str
    channel: str
    currency: str
    amount_minor: int
    queued_ms: int
    log: str
    attempts: int


def callback_exhausted(snapshot: Snapshot, scope: Scope = ALL) -> Iterator[Seen]:
    """A channel has given up a callback, and the books still lack its money."""
    rows = scope.rows(snapshot, _Exhausted, _EXHAUSTED, {"callbacks": "c.id"})
    for id, loan_id, channel, currency, amount, queued_ms, log, attempts in rows:
        last_ms = parse_rfc3339(json.loads(log)[-1]["at"])
        yield Seen(
            "callback_exhausted", None, id, loan_id or None, amount, queued_ms, last_ms,
            sentence(GIVEN_UP, channel=channel, attempts=attempts), channel, currency,
        )  # fmt: skip


_ORDERED = """SELECT id, loan_id, purpose, channel, currency, amount_minor, created_ms FROM payouts
    WHERE sandbox_id = :sandbox_id AND state = 'ORDERED' AND created_ms <= :before_ms AND {loans}"""


class _Ordered(NamedTuple):
    id: str
    loan_id: str
    purpose: str
    channel: str
    currency: str
    amount_minor: int
    created_ms: int


def payout_stuck_in_transit(snapshot: Snapshot, scope: Scope = ALL) -> Iterator[Seen]:
    """A payout was ordered more than a day ago and its channel has not paid."""
    before_ms = snapshot.now_ms - PAYOUT_BOUND_MS
    rows = scope.rows(snapshot, _Ordered, _ORDERED, {"loans": "loan_id"}, before_ms=before_ms)
    for id, loan_id, purpose, channel, currency, amount, created_ms in rows:
        yield Seen(
            "payout_stuck_in_transit", None, id, loan_id, amount, created_ms, created_ms + PAYOUT_BOUND_MS,
            sentence(STUCK[purpose], amount=format_minor(amount, currency), channel=channel), channel, currency,
        )  # fmt: skip


_DISPUTES = f"""SELECT id, loan_id, state, created_ms, answer_by_ms FROM disputes
    WHERE sandbox_id = :sandbox_id AND state IN ({", ".join(f"'{state}'" for state in UNDECIDED)})
      AND answer_by_ms <= :until_ms AND {{loans}}"""


class _Waiting(NamedTuple):
    id: str
    loan_id: str
    state: str
    created_ms: int
    answer_by_ms: int


def dispute_deadline(snapshot: Snapshot, scope: Scope = ALL) -> Iterator[Seen]:
    """An undecided dispute has three days left, or none."""
    until_ms = snapshot.now_ms + DISPUTE_WARNING_MS
    rows = scope.rows(snapshot, _Waiting, _DISPUTES, {"loans": "loan_id"}, until_ms=until_ms)
    for id, loan_id, state, created_ms, answer_by_ms in rows:
        text = TOO_LATE if answer_by_ms <= snapshot.now_ms else DUE
        yield Seen(
            "dispute_deadline", None, id, loan_id, 0, created_ms, answer_by_ms - DISPUTE_WARNING_MS,
            sentence(text, state=state, answer_at=rfc3339(answer_by_ms)),
        )  # fmt: skip


STATE_CHECKS: dict[str, SandboxCheck] = {
    check.__name__: check for check in (callback_exhausted, payout_stuck_in_transit, dispute_deadline)
}
"""The checks by name."""
