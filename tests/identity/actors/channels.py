"""Steps of channels in the identity, and of somebody who forges callbacks."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from identity.actors.base import DAY, HOUR
from identity.actors.clock import Clock
from mocklend.channels.callback_secrets import callback_secret
from mocklend.channels.inbox import ReceiveCallback
from mocklend.channels.payment_returns import ReturnPayment
from mocklend.channels.payouts import FailPayout
from mocklend.channels.statements import record
from mocklend.channels.statements.day import Heading
from mocklend.channels.statements.files import MakeStatement
from mocklend.domain.channel import channels
from mocklend.domain.facts import business_date
from mocklend.domain.problems import Refused
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.signing import signed_headers
from mocklend.storage.entities import Payout, Repayment, Trade
from mocklend.storage.snapshot import SandboxReader


class Channels(Clock):
    """Payments are returned, payouts fail, statements are fetched, callbacks come over HTTP."""

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 50), wait=st.sampled_from([0, 0, HOUR, 3 * DAY]))
    def a_payment_is_returned(self, which: int, wait: int) -> None:
        with self.platform.read() as connection:
            paid = SandboxReader(connection, self.id).where(Trade, "state = 'SUCCESS' ORDER BY id")
        if paid:
            trade = paid[which % len(paid)]
            assert self.attempt(ReturnPayment(self.id, self.key(), trade.channel, trade.id)) is not None
            self.advance(by=wait)

    @precondition(lambda self: self.loans)
    @rule(channel=st.sampled_from(["wallet", "bank_transfer"]), days_ago=st.integers(1, 3), again=st.booleans())
    def fetch_a_statement(self, channel: str, days_ago: int, again: bool) -> None:
        day = business_date(self.now_ms - days_ago * DAY, "Asia/Shanghai")
        with self.platform.snapshot(self.id) as snapshot:
            heading = Heading(channels()[channel], day, "CNY", snapshot.sandbox.zone)
            try:
                moved = len(record.ready_statement(snapshot, heading).movements)
            except Refused:
                return
        self.attempt(MakeStatement(self.id, channel, day, "CNY", moved, again))

    @precondition(lambda self: self.loans)
    @rule(which=st.integers(0, 50))
    def a_payout_fails(self, which: int) -> None:
        with self.platform.read() as connection:
            ordered = SandboxReader(connection, self.id).where(Payout, "state = 'ORDERED' ORDER BY id")
        if ordered:
            payout = ordered[which % len(ordered)]
            self.attempt(FailPayout(self.id, self.key(), payout.channel, payout.id))

    @precondition(lambda self: self.repayments)
    @rule(which=st.integers(0, 50), how=st.sampled_from(["again", "wrong amount", "wrong secret", "old version"]))
    def callback_over_http(self, which: int, how: str) -> None:
        repayment_id = self.repayments[which % len(self.repayments)]
        with self.platform.read() as connection:
            reader = SandboxReader(connection, self.id)
            trade = reader.where(Trade, "repayment_id = :id", id=repayment_id)[0]
            status = reader.get(Repayment, repayment_id).status
        if trade.state != "SUCCESS" or (how == "again" and status == "PROCESSING"):
            return  # What was never paid, or still has to arrive by itself, is another story.
        data = {
            "version": "0.9" if how == "old version" else "1.0",
            "out_trade_no": trade.id,
            "channel_trade_no": trade.channel_trade_no,
            "state": "SUCCESS",
            "amount_minor": trade.amount_minor + (how == "wrong amount"),
            "currency": trade.currency,
            "paid_at": rfc3339(trade.paid_ms),
        }
        body = json.dumps({"type": "payment.succeeded", "timestamp": rfc3339(self.now_ms), "data": data})
        key = "somebody-else" if how == "wrong secret" else self.sandbox.api_key
        headers = signed_headers(callback_secret(key, trade.channel), "cb_by_hand", self.now_ms, body)
        answer = self.attempt(ReceiveCallback(self.id, trade.channel, headers, body.encode()))
        assert (answer is not None) == (how == "again")
