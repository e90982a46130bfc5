"""A channel tries to deliver a callback: the same signed request that would go over HTTP, into our own inbox."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mocklend.channels.channel import callback_secret, channel_of
from mocklend.channels.inbox import callback_body, late_failure_body, receive
from mocklend.channels.settlement import callback_doc
from mocklend.channels.signing import signed_headers
from mocklend.domain.facts import FAILED_LATE
from mocklend.domain.problems import Refused
from mocklend.sandboxes.ids import order_no, receipt_behind
from mocklend.sandboxes.moments import rfc3339
from mocklend.seams import CallbackAttempt
from mocklend.storage.entities import Callback, Trade
from mocklend.storage.work import Answer, Idempotency, Key, Work


@dataclass(frozen=True, slots=True)
class AttemptCallback:
    """One attempt. What is lost is tried again on the channel's ladder, until that ends."""

    sandbox_id: str
    callback_id: str
    receipt_id: str
    loan_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The message, its trade and order, and the loan that it is about."""
        receipt_id = receipt_behind(self.receipt_id)
        pushed = receipt_id.startswith("rct_")
        yield ("callback", self.callback_id)
        yield ("trade", order_no(receipt_id))
        yield ("receipt" if pushed else "repayment", receipt_id)
        if self.loan_id:
            yield ("loan", self.loan_id)

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
        trade: Trade = work.get("trade", callback.out_trade_no)
        return CallbackAttempt(
            entity=callback.repayment_id,
            occurrence=attempt,
            now_ms=work.now_ms,
            loan_id=callback.loan_id,
            repayment_id=callback.repayment_id,
            callback_id=callback.id,
            channel=callback.channel,
            amount_minor=trade.amount_minor,
            currency=trade.currency,
            payer_reference=trade.payer_reference,
            attempts_left=ladder_length - attempt + 1,
        )

    def _deliver(self, work: Work, callback: Callback) -> str:
        """`acked`, or the code of the inbox's refusal."""
        trade: Trade = work.get("trade", callback.out_trade_no)
        tells = late_failure_body if callback.repayment_id.startswith(FAILED_LATE) else callback_body
        body = tells(trade, rfc3339(work.now_ms))
        secret = callback_secret(work.sandbox.api_key, callback.channel)
        headers = signed_headers(secret, callback.id, work.now_ms, body)
        try:
            receive(work, callback.channel, headers, body.encode())
        except Refused as refused:
            return refused.code
        return "acked"
