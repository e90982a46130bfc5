"""A channel tries to deliver a callback: the same signed request that would go over HTTP, into our own inbox."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mocklend.channels.channel import callback_secret, channel_of
from mocklend.channels.inbox import callback_body, receive
from mocklend.channels.settlement import callback_doc
from mocklend.channels.signing import signed_headers
from mocklend.domain.problems import Refused
from mocklend.sandboxes.moments import rfc3339
from mocklend.seams import CallbackAttempt
from mocklend.storage.entities import Callback, Repayment, Trade
from mocklend.storage.work import Answer, Idempotency, Key, Work


@dataclass(frozen=True, slots=True)
class AttemptCallback:
    """One attempt. What is lost is tried again on the channel's ladder, until that ends."""

    sandbox_id: str
    callback_id: str
    repayment_id: str
    trade_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The message, its trade and order, and the loan that it is about."""
        return (
            ("callback", self.callback_id),
            ("trade", self.trade_id),
            ("repayment", self.repayment_id),
            ("loan", self.loan_id),
        )

    def decide(self, work: Work) -> Answer:
        """200 and the delivery log."""
        callback: Callback = work.get("callback", self.callback_id)
        if callback.due_ms is None:
            return Answer(200, callback_doc(callback))
        attempt, ladder = callback.attempts + 1, channel_of(callback.channel).ladder
        lost_left = callback.lost_left
        if lost_left == 0:
            lost_left = work.act(self._given(work, callback, attempt, len(ladder))).lost_attempts
        outcome = "lost" if lost_left else self._deliver(work, callback)
        acked = outcome == "acked"
        over = acked or attempt >= len(ladder)
        log = [*json.loads(callback.log), {"n": attempt, "at": rfc3339(work.now_ms), "outcome": outcome}]
        callback = replace(
            callback,
            state="ACKED" if acked else ("EXHAUSTED" if over else "RETRY"),
            attempts=attempt,
            lost_left=max(0, lost_left - 1),
            log=json.dumps(log, separators=(",", ":")),
            due_ms=None if over else work.now_ms + ladder[attempt] * 1000,
            acked_ms=work.now_ms if acked else None,
            applied_ms=work.now_ms if acked else None,
        )
        work.put(callback)
        return Answer(200, callback_doc(callback))

    def _given(self, work: Work, callback: Callback, attempt: int, ladder_length: int) -> CallbackAttempt:
        order: Repayment = work.get("repayment", callback.repayment_id)
        return CallbackAttempt(
            entity=order.id,
            occurrence=attempt,
            now_ms=work.now_ms,
            loan_id=callback.loan_id,
            repayment_id=order.id,
            callback_id=callback.id,
            channel=callback.channel,
            amount_minor=order.amount_minor,
            currency=order.currency,
            payer_reference=order.payer_reference,
            attempts_left=ladder_length - attempt + 1,
        )

    def _deliver(self, work: Work, callback: Callback) -> str:
        """`acked`, or the code of the inbox's refusal."""
        trade: Trade = work.get("trade", callback.out_trade_no)
        order: Repayment = work.get("repayment", callback.repayment_id)
        assert trade.paid_ms is not None, "a callback follows a payment"
        assert trade.channel_trade_no is not None, "a payment has a number"
        now = rfc3339(work.now_ms)
        body = callback_body(work, order, rfc3339(trade.paid_ms), trade.channel_trade_no, now)
        secret = callback_secret(work.sandbox.api_key, callback.channel)
        headers = signed_headers(secret, callback.id, work.now_ms, body)
        try:
            receive(work, callback.channel, headers, body.encode())
        except Refused as refused:
            return refused.code
        return "acked"
