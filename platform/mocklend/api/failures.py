"""Failures on demand at the simulated channels: a payment return, and a payout that fails."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.documents import document
from mocklend.api.idempotency import idempotency
from mocklend.api.json_body import asked_request
from mocklend.api.openapi import BODY_CODES, operation
from mocklend.api.problems import field_problem
from mocklend.api.request_context import run, sandbox_id
from mocklend.api.responses import answered
from mocklend.api.sandboxes import NOTHING
from mocklend.channels.payment_returns import ReturnPayment
from mocklend.channels.payouts import FailPayout, PayoutDoc
from mocklend.channels.settlement import TradeDoc
from mocklend.domain.channel import channel_of

failures = APIBlueprint("failures", __name__)


def refuse_a_body() -> None:
    """Refuse any body but an empty object: these requests have no fields."""
    request = asked_request()
    if request.body() and request.get_json() != {}:
        raise field_problem("", "no body, or an empty object", request.get_json())


@failures.post("/channels/<id:channel>/trades/<id:out_trade_no>/return")
@failures.output(document(TradeDoc), status_code=202)
@failures.doc(
    **operation(
        "failTradeLate",
        "channel_unknown",
        "trade_unknown",
        "trade_not_paid",
        *BODY_CODES,
        moves_money=True,
        reads=NOTHING,
    )
)
def fail_trade_late(channel: str, out_trade_no: str) -> Response:
    """Return a payment that was reported as paid, as a bank returns a direct debit. A callback reports it."""
    refuse_a_body()
    return answered(run(ReturnPayment(sandbox_id(), idempotency(), channel_of(channel).id, out_trade_no)))


@failures.post("/channels/<id:channel>/payouts/<id:payout_id>/failure")
@failures.output(document(PayoutDoc), status_code=202)
@failures.doc(
    **operation(
        "failPayout",
        "channel_unknown",
        "payout_unknown",
        "payout_not_failable",
        *BODY_CODES,
        moves_money=True,
        reads=NOTHING,
    )
)
def fail_payout(channel: str, payout_id: str) -> Response:
    """Make the payout of a loan fail before its channel has paid it. The loan's status becomes FAILED."""
    refuse_a_body()
    return answered(run(FailPayout(sandbox_id(), idempotency(), channel_of(channel).id, payout_id)))
