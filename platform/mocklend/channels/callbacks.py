"""Attempts to deliver a callback: the signed request that HTTP would carry, sent to the platform's own inbox.

An unaltered message about a paid order is handed over as the inbox would read it, since both ends are here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import structs

from mocklend.channels.callback_secrets import callback_secret, secret_at
from mocklend.channels.inbox import receive, take
from mocklend.channels.messages import (
    CLOSED,
    PAID,
    body_of,
    callback_body,
    closed_body,
    event_of,
    paid_message,
)
from mocklend.channels.second_receipts import number_of_copy, second_receipt_of
from mocklend.channels.settlement import callback_doc
from mocklend.domain.channel import channel_of
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import DeliveryState, ReceiptState, RepaymentStatus
from mocklend.sandboxes.ids import order_no, receipt_behind
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.seams.about import about_payment
from mocklend.seams.callback_attempt import OLD_TIMESTAMP, WRONG_AMOUNT, WRONG_KEY, CallbackAttempt
from mocklend.seams.callback_taken import CallbackTaken
from mocklend.signing import signed_headers
from mocklend.storage.entities import Callback, Receipt, Repayment, Trade
from mocklend.storage.facts import BOOK_FACTS
from mocklend.storage.values import Attempt
from mocklend.storage.work import Answer, Idempotency, Key, Work

ACKED, LOST = "acked", "lost"
"""Outcomes of an attempt. Any other outcome is the code of the inbox's refusal."""
REPLAYED_AFTER_MS = 3_600_000
"""The age in ms of a recorded message that an attacker sends again."""


class _Fate(NamedTuple):
    """What becomes of an attempt: honestly it is delivered as the channel made it."""

    lost_attempts: int = 0
    altered: str | None = None
    discarded: bool = False


_HONEST = _Fate()


@dataclass(frozen=True, slots=True)
class AttemptCallback:
    """One attempt. A lost one is retried on the channel's retry schedule, until its end."""

    sandbox_id: str
    callback_id: str
    receipt_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The message, its trade and order, and the loan."""
        receipt_id = receipt_behind(self.receipt_id)
        pushed = receipt_id.startswith("rct_")
        yield ("callback", self.callback_id)
        yield ("trade", order_no(receipt_id))
        yield ("receipt" if pushed else "repayment", receipt_id)
        if self.loan_id:
            yield ("loan", self.loan_id)

    def decide(self, work: Work) -> Answer:
        """204: the clock sends it, and nobody reads an answer."""
        callback = work.find(Callback, self.callback_id)
        if callback is None or callback.due_ms is None or callback.due_ms > work.now_ms:
            return Answer(204, {})  # Another process has made this attempt, or the settlement before it did not happen.
        attempt, retry_schedule = callback.attempts + 1, channel_of(callback.channel).retry_schedule
        fate = self._fate(work, callback, attempt, len(retry_schedule))
        result = self._outcome(work, callback, fate)
        acked = result == ACKED
        ended = acked or attempt >= len(retry_schedule)
        kind = event_of(callback.repayment_id)
        log = [*callback.log, _log_entry(work, attempt, kind, result)]
        if acked and kind == PAID and not fate.discarded and work.armed:
            log += self._send_more(work, callback, attempt)
        callback = structs.replace(
            callback,
            state=DeliveryState.ACKED if acked else (DeliveryState.EXHAUSTED if ended else DeliveryState.RETRY),
            attempts=attempt,
            attempts_to_lose=max(0, fate.lost_attempts - 1),
            log=tuple(log),
            due_ms=None if ended else work.now_ms + retry_schedule[attempt] * 1000,
            acked_ms=work.now_ms if acked else None,
            applied_ms=work.now_ms if acked and not fate.discarded else None,
        )
        work.put(callback)
        return Answer(204, {})

    def _fate(self, work: Work, callback: Callback, attempt: int, attempts_max: int) -> _Fate:
        if callback.attempts_to_lose:
            return _Fate(lost_attempts=callback.attempts_to_lose)
        if not work.armed:
            return _HONEST
        trade = work.get(Trade, callback.out_trade_no)
        event = CallbackAttempt(
            **about_payment(work.now_ms, trade, callback.repayment_id, attempt),
            repayment_id=callback.repayment_id,
            callback_id=callback.id,
            payer_reference=trade.payer_reference,
            attempts_left=attempts_max - attempt + 1,
            in_books=self._in_books(work),
        )
        outcome = work.at(event)
        return _Fate(outcome.lost_attempts, outcome.altered, outcome.discarded)

    def _in_books(self, work: Work) -> bool:
        """Whether the books have it already, from a query to the channel."""
        id = receipt_behind(self.receipt_id)
        late = id != self.receipt_id
        if id.startswith("rct_"):
            receipt = work.find(Receipt, id)
            return receipt is not None and (receipt.state == ReceiptState.RETURNED or not late)
        order = work.get(Repayment, id)
        if late:
            return any(fact.id == self.receipt_id for fact in work.load(BOOK_FACTS, order.loan_id))
        return order.status != RepaymentStatus.PROCESSING

    def _outcome(self, work: Work, callback: Callback, fate: _Fate) -> str:
        if fate.lost_attempts:
            return LOST
        if fate.altered is None and fate.discarded:
            return ACKED  # The handler answers 200 and drops the message.
        return deliver(work, callback, fate.altered)

    def _send_more(self, work: Work, callback: Callback, attempt: int) -> Iterator[Attempt]:
        """What the channel sends after an accepted message: nothing, unless a fault adds copies or an older event."""
        trade = work.get(Trade, callback.out_trade_no)
        order = work.get(Repayment, callback.repayment_id)
        seed = work.sandbox.seed
        copy_no = number_of_copy(seed, trade.id)
        event = CallbackTaken(
            **about_payment(work.now_ms, trade, callback.repayment_id, attempt),
            repayment_id=callback.repayment_id,
            callback_id=callback.id,
            receipt_id=second_receipt_of(seed, callback.repayment_id, copy_no),
            order_status=order.status,
        )
        outcome = work.at(event)
        for follow_up in outcome.follow_ups():
            work.carry_out(follow_up)
        if outcome.older_event is not None:
            older_body = closed_body(trade, rfc3339(trade.created_ms))
            result = ACKED if outcome.taken_for_closed else _send(work, callback, older_body)
            yield _log_entry(work, attempt, CLOSED, result)
        for _ in range(outcome.copies):
            body = callback_body(trade, rfc3339(work.now_ms))
            result = ACKED if outcome.new_trade_no else _send(work, callback, body)
            yield _log_entry(work, attempt, event_of(callback.repayment_id), result)


def deliver(work: Work, callback: Callback, altered: str | None = None) -> str:
    """Send the message to the inbox, in one of the altered forms or as it is.

    Returns `acked`, or the code of the inbox's refusal.
    """
    trade = work.get(Trade, callback.out_trade_no)
    if altered is None and event_of(callback.repayment_id) == PAID:
        # To sign, verify and read its body would give the same message, for a tenth of what the booking costs.
        return _result(lambda: take(work, callback.channel, paid_message(trade, rfc3339(work.now_ms))))
    secret, sent_ms = secret_at(work.sandbox, callback.channel), work.now_ms
    if altered == WRONG_KEY:
        secret = callback_secret("another key", callback.channel)
    elif altered == WRONG_AMOUNT:
        trade = structs.replace(trade, amount_minor=trade.amount_minor + 1)
    elif altered == OLD_TIMESTAMP:
        sent_ms -= REPLAYED_AFTER_MS
    body = body_of(event_of(callback.repayment_id), trade, rfc3339(sent_ms))
    return _send(work, callback, body, secret=secret, sent_ms=sent_ms)


def _send(
    work: Work,
    callback: Callback,
    body: str,
    *,
    secret: str | None = None,
    sent_ms: int | None = None,
) -> str:
    secret = secret or secret_at(work.sandbox, callback.channel)
    headers = signed_headers(secret, callback.id, work.now_ms if sent_ms is None else sent_ms, body)
    return _result(lambda: receive(work, callback.channel, headers, body.encode()))


def _result(act: Callable[[], None]) -> str:
    try:
        act()
    except Refused as refused:
        return refused.code
    return ACKED


@dataclass(frozen=True, slots=True)
class ResendCallback:
    """The channel sends a callback once more, because somebody asks for it: at once, and as it is.

    No fault loses or alters it. A refused attempt leaves the rest of the retry schedule.
    """

    sandbox_id: str
    callback_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The message; its subject is known only from that."""
        return (("callback", self.callback_id),)

    def decide(self, work: Work) -> Answer:
        """200 and the delivery log, whatever came of it. Raises Refused `callback_unknown`."""
        callback = work.find(Callback, self.callback_id)
        if callback is None:
            raise Refused("callback_unknown", f"no callback {self.callback_id}", callback_id=self.callback_id)
        attempt, retry_schedule = callback.attempts + 1, channel_of(callback.channel).retry_schedule
        result = deliver(work, callback)
        log = (*callback.log, _log_entry(work, attempt, event_of(callback.repayment_id), result))
        callback = structs.replace(callback, attempts=attempt, log=log)
        if result == ACKED:
            callback = structs.replace(
                callback,
                state=DeliveryState.ACKED,
                attempts_to_lose=0,
                due_ms=None,
                acked_ms=work.now_ms if callback.acked_ms is None else callback.acked_ms,
                applied_ms=work.now_ms if callback.applied_ms is None else callback.applied_ms,
            )
        elif callback.due_ms is not None:
            ended = attempt >= len(retry_schedule)
            callback = structs.replace(
                callback,
                state=DeliveryState.EXHAUSTED if ended else DeliveryState.RETRY,
                due_ms=None if ended else work.now_ms + retry_schedule[attempt] * 1000,
            )
        work.put(callback)
        return Answer(200, callback_doc(callback, work.get(Trade, callback.out_trade_no)))


def _log_entry(work: Work, attempt: int, kind: str, result: str) -> Attempt:
    return Attempt(attempt, rfc3339(work.now_ms), result, kind)
