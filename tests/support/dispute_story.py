"""Builders of stories with disputes: payments that nobody heard of, slips that prove them, and what staff do."""

from __future__ import annotations

import json
from typing import Any

from mocklend.channels.payments import PayAtChannel
from mocklend.domain.channel import channel_of
from mocklend.sandboxes.ids import out_trade_no
from mocklend.sandboxes.lifecycle import SetClock
from mocklend.servicing import DecideDispute, OpenDispute, VerifyDispute
from mocklend.servicing.disputes import DisputeDoc
from mocklend.servicing.evidence import Piece
from mocklend.storage.entities import Trade, Webhook
from support.story import Story

DAY_MS = 86_400_000


def slip(trade: Trade, **otherwise: object) -> Piece:
    """A bank slip of a trade, as it is or otherwise."""
    evidence: dict[str, Any] = {
        "kind": "bank_slip",
        "channel": trade.channel,
        "channel_trade_no": trade.channel_trade_no,
        "amount_minor": trade.amount_minor,
        "paid_ms": trade.paid_ms,
        "note": None,
    }
    return Piece(**(evidence | otherwise))


def dispute(story: Story, loan_id: str, *pieces: Piece, claim: str = "settled_but_unpaid") -> str:
    """Ada disputes."""
    opened = OpenDispute(story.sandbox_id, story.key(), loan_id, claim, "I have paid.", pieces)
    return str(story.platform.run(opened).body["id"])


def verify(story: Story, dispute_id: str) -> DisputeDoc:
    """Staff verify."""
    return story.run(VerifyDispute(story.sandbox_id, story.key(), dispute_id, "wei"), DisputeDoc)


def decide(
    story: Story,
    dispute_id: str,
    decision: str = "UPHELD",
    *,
    correct: bool = False,
    compensation_minor: int | None = None,
) -> DisputeDoc:
    """Staff decide."""
    command = DecideDispute(
        story.sandbox_id,
        story.key(),
        dispute_id,
        decision,
        "Checked.",
        "wei",
        correct=correct,
        compensation_minor=compensation_minor,
    )
    return story.run(command, DisputeDoc)


def unheard(story: Story, loan_id: str, amount_minor: int, channel: str = "wallet", type: str = "CLEAR") -> Trade:
    """A repayment whose callback has not come: the channel's own record of it."""
    repayment_id = story.order(loan_id, amount_minor, channel, type)
    story.settle_silently(repayment_id)
    return story.entity(Trade, out_trade_no(repayment_id))


def pay_unsolicited(story: Story, typed: str, amount_minor: int) -> Trade:
    """A bill-pay payment that has reached its channel, and nobody else yet: the channel's record."""
    pay = PayAtChannel(story.sandbox_id, story.key(), "bill_pay", amount_minor, "CNY", "Ada", typed, "CLEAR")
    trade_id = story.platform.run(pay).body["out_trade_no"]
    due_ms = story.now_ms + channel_of("bill_pay").settle_delay_s * 1000
    settling = story.command(due_ms, "settlement", trade_id)
    story.platform.writer.run_all([SetClock(story.sandbox_id, due_ms), settling])
    return story.entity(Trade, trade_id)


def queued_events(story: Story) -> list[str]:
    """The events about disputes, in the order in which they were queued."""
    with story.platform.read() as connection:
        queued = story.snapshot(connection).where(Webhook, "event LIKE 'dispute.%' ORDER BY queued_ms")
    return [json.loads(webhook.body)["type"] for webhook in queued]
