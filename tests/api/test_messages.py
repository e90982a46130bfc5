"""Trades, callbacks and webhooks as lists over HTTP, and sending a message again."""

from __future__ import annotations

import json

import pytest

from support.caller import Caller

HOOK = {"url": "http://127.0.0.1:9/hook", "events": ["*"], "profile": "standard"}


def test_trades_and_callbacks_are_listed_with_their_state_and_when_they_are_due(api: Caller) -> None:
    loan_id = api.borrow()["id"]
    order = api.repay(loan_id, 1_000)

    [trade] = api.made(api.get("/channels/trades"))["trades"]
    api.wait(2)
    [settled] = api.made(api.get("/channels/trades", loan_id=loan_id, state="SUCCESS", channel="wallet"))["trades"]
    [callback] = api.made(api.get("/channels/callbacks", loan_id=loan_id, state="ACKED", channel="wallet"))["callbacks"]

    assert (trade["state"], trade["due_at"], trade["loan_id"]) == ("CREATED", "2026-01-05T02:00:02.000Z", loan_id)
    assert (settled["out_trade_no"], settled["due_at"]) == (order["out_trade_no"], None)
    assert callback == api.made(api.get(f"/channels/wallet/callbacks/{order['out_trade_no']}"))
    assert (callback["event"], callback["next_attempt_at"]) == ("payment.succeeded", None)
    assert json.loads(callback["body"])["data"]["amount_minor"] == 1_000


def test_the_callback_of_a_payment_return_is_listed_with_its_own_body(api: Caller) -> None:
    order = api.repay(api.borrow()["id"], 1_000, channel="bank_card")
    api.wait("PT1H")
    api.made(api.post(f"/channels/bank_card/trades/{order['out_trade_no']}/return"))
    api.wait("PT1H")

    newest, first = api.made(api.get("/channels/callbacks"))["callbacks"]

    assert (newest["event"], first["event"]) == ("payment.returned", "payment.succeeded")
    assert json.loads(newest["body"])["data"]["state"] == "RETURNED"
    assert api.made(api.get(f"/channels/bank_card/callbacks/{order['out_trade_no']}")) == first


@pytest.mark.parametrize("path", ["/channels/trades", "/channels/callbacks"])
def test_a_channel_that_there_is_not_is_refused(api: Caller, path: str) -> None:
    api.problem(api.get(path, channel="cash"), 404, "channel_unknown")


@pytest.mark.parametrize("path", ["/channels/trades", "/channels/callbacks", "/v1/webhooks"])
def test_a_state_that_there_is_not_is_refused_with_those_that_there_are(api: Caller, path: str) -> None:
    document = api.problem(api.get(path, state="LOST"), 422, "validation_failed")

    assert document["errors"][0]["field"] == "state"


def test_a_repeated_callback_is_taken_once(api: Caller) -> None:
    loan_id = api.borrow()["id"]
    api.repay(loan_id, 1_000)
    api.wait(2)
    [callback] = api.made(api.get("/channels/callbacks"))["callbacks"]
    books = api.made(api.get(f"/operator/loans/{loan_id}"))

    sent = api.made(api.post(f"/channels/callbacks/{callback['id']}/resend"))

    assert [(each["n"], each["outcome"]) for each in sent["attempts"]] == [(1, "acked"), (2, "acked")]
    assert (sent["state"], sent["acked_at"], sent["applied_at"]) == (
        "ACKED", callback["acked_at"], callback["applied_at"],
    )  # fmt: skip
    assert api.made(api.get(f"/operator/loans/{loan_id}")) == books


def test_what_is_not_there_cannot_be_sent_again(api: Caller) -> None:
    api.problem(api.post("/channels/callbacks/cb_none/resend"), 404, "callback_unknown")
    api.problem(api.post("/v1/webhooks/msg_none/resend"), 404, "webhook_unknown")


@pytest.mark.parametrize("path", ["/channels/callbacks/cb_none/resend", "/v1/webhooks/msg_none/resend"])
def test_a_request_to_resend_has_no_fields(api: Caller, path: str) -> None:
    api.problem(api.post(path, {"times": 3}), 422, "validation_failed")


def test_webhooks_of_all_endpoints_are_listed_with_body_and_next_attempt(api: Caller) -> None:
    first = api.made(api.post("/v1/webhook-endpoints", HOOK))
    api.made(api.post("/v1/webhook-endpoints", HOOK | {"url": "http://127.0.0.1:9/other"}))
    loan_id = api.borrow()["id"]

    listed = api.made(api.get("/v1/webhooks", loan_id=loan_id))["webhooks"]
    to_first = api.made(api.get("/v1/webhooks", endpoint_id=first["id"], event="loan.disbursed"))["webhooks"]

    assert {webhook["state"] for webhook in listed} == {"QUEUED"}
    assert len({webhook["endpoint_id"] for webhook in listed}) == 2
    assert [webhook["event"] for webhook in to_first] == ["loan.disbursed"]
    assert json.loads(to_first[0]["body"])["data"]["loan_id"] == loan_id
    assert to_first[0]["next_attempt_at"] == to_first[0]["queued_at"]


def test_a_webhook_to_a_removed_endpoint_cannot_be_sent(api: Caller) -> None:
    endpoint = api.made(api.post("/v1/webhook-endpoints", HOOK))
    api.borrow()
    [webhook, *_] = api.made(api.get("/v1/webhooks"))["webhooks"]
    api.call("DELETE", f"/v1/webhook-endpoints/{endpoint['id']}")

    api.problem(api.post(f"/v1/webhooks/{webhook['id']}/resend"), 404, "endpoint_unknown")


def test_an_unreachable_receiver_is_tried_at_once_where_the_clock_stands(api: Caller) -> None:
    api.made(api.post("/v1/webhook-endpoints", HOOK))
    api.borrow()
    [webhook, *_] = api.made(api.get("/v1/webhooks"))["webhooks"]

    answer = api.post(f"/v1/webhooks/{webhook['id']}/resend")

    assert answer.status_code == 202
    [attempt] = api.made(answer)["attempts"]
    assert (attempt["outcome"], attempt["status"]) == ("unreachable", None)
    assert api.made(answer)["state"] == "RETRY"
