"""A borrower who disputes what she sees, with whatever evidence she has in hand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from mocklend.client import Doc
from support import paired_runs


def evidence_of(run: paired_runs.StoryRun, loan_id: str) -> list[Doc]:
    """What a borrower has in hand: a record of each payment that a channel says was made, for the loan or without an order."""
    own = {order["out_trade_no"] for order in run.client.repayments(loan_id)["repayments"]}
    orders = {order["out_trade_no"] for id in run.loans for order in run.client.repayments(id)["repayments"]}
    pieces: list[Doc] = []
    for channel, number in run.trades:
        trade = run.answer_to(partial(run.client.trade, channel, number))
        if not isinstance(trade, dict) or trade["paid_at"] is None or (number in orders and number not in own):
            continue
        pieces.append(
            {
                "kind": "transfer_record",
                "channel": channel,
                "channel_trade_no": trade["channel_trade_no"],
                "amount_minor": trade["amount_minor"],
                "paid_at": trade["paid_at"],
            }
        )
    return pieces


def decided(run: paired_runs.StoryRun, loan_id: str, claim: str) -> Doc:
    """The borrower disputes, and operations are asked to correct it."""
    client = run.client
    evidence: list[Mapping[str, object]] = [*evidence_of(run, loan_id)]
    opened = client.open_dispute(loan_id, claim, evidence=evidence)
    client.verify_dispute(opened["id"], operator="wang")
    return client.decide_dispute(opened["id"], "UPHELD", operator="wang", memo="Put right.", correct=True)
