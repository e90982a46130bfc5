"""The levers with which a channel's simulator lets money fail: a receipt taken back, a payout that cannot be paid."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.answers import answered
from mocklend.api.asking import run, sandbox_id
from mocklend.api.channels import TradeDoc
from mocklend.api.desk import PayoutDoc
from mocklend.api.fields import Body
from mocklend.api.idempotency import idempotency
from mocklend.api.openapi import described
from mocklend.channels.channel import channel_of
from mocklend.channels.late_failures import FailLate
from mocklend.channels.payouts import FailPayout

failures = APIBlueprint("failures", __name__)


class Failure(Body):
    """An empty object: the address says it all."""


@failures.post("/channels/<id:channel>/trades/<id:out_trade_no>/late-failure")
@failures.input(Failure, arg_name="failure")
@failures.output(TradeDoc, status_code=202)
@failures.doc(**described("failTradeLate", "channel_unknown", "trade_unknown", "trade_not_paid", moves_money=True))
def fail_trade_late(channel: str, out_trade_no: str, failure: Failure) -> Response:
    """Take back money that was reported as paid, as when a bank returns a direct debit. A callback tells of it."""
    return answered(run(FailLate(sandbox_id(), idempotency(), channel_of(channel).id, out_trade_no)))


@failures.post("/channels/<id:channel>/payouts/<id:payout_id>/failure")
@failures.input(Failure, arg_name="failure")
@failures.output(PayoutDoc, status_code=202)
@failures.doc(**described("failPayout", "channel_unknown", "payout_unknown", "payout_not_failable", moves_money=True))
def fail_payout(channel: str, payout_id: str, failure: Failure) -> Response:
    """Let the payout of a loan fail for good, before its channel has paid it: the loan is FAILED."""
    return answered(run(FailPayout(sandbox_id(), idempotency(), channel_of(channel).id, payout_id)))
