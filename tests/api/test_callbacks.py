"""The inbox over HTTP: callbacks that an external channel sends."""

from __future__ import annotations

import json

import pytest
from werkzeug.test import TestResponse

from mocklend.channels.callback_secrets import callback_secret
from mocklend.client import Doc
from mocklend.runtime import NewSandbox
from mocklend.signing import signed_headers
from support.caller import Caller
from support.story import Story

pytestmark = pytest.mark.security

NOW_MS = 1_767_578_400_000


class Wallet:
    """A channel with its secret."""

    def __init__(self, api: Caller, sandbox: NewSandbox) -> None:
        self._api = api
        self._secret = callback_secret(sandbox.api_key, "wallet")

    def body(self, repayment: dict[str, object], **changed: object) -> str:
        """The body of a callback about an order."""
        data = {
            "version": "1.0",
            "out_trade_no": repayment["out_trade_no"],
            "channel_trade_no": "CH1",
            "state": "SUCCESS",
            "amount_minor": repayment["amount_minor"],
            "currency": "CNY",
            "paid_at": "2026-01-05T02:00:00.000Z",
        }
        return json.dumps(
            {"type": "payment.succeeded", "timestamp": "2026-01-05T02:00:00.000Z", "data": data | changed}
        )

    def send(self, body: str, *, sign: str | None = None) -> TestResponse:
        """Sign a callback and send it."""
        headers = signed_headers(self._secret, "cb_1", NOW_MS, sign if sign is not None else body)
        return self._api.call("POST", "/v1/callbacks/wallet", headers, data=body.encode())


@pytest.fixture
def wallet(api: Caller, sandbox: NewSandbox) -> Wallet:
    """The wallet."""
    return Wallet(api, sandbox)


@pytest.fixture
def ordered(api: Caller) -> Doc:
    """A repayment that has been ordered and not settled."""
    repayment: Doc = api.repay(api.borrow()["id"], 1000)
    return repayment


def test_a_signed_callback_puts_the_money_on_the_books(api: Caller, wallet: Wallet, ordered: dict[str, object]) -> None:
    assert api.made(wallet.send(wallet.body(ordered))) == {"received": True}

    assert api.made(api.get(f"/v1/repayments/{ordered['id']}"))["status"] == "S"


def test_a_callback_delivered_twice_is_applied_once(
    api: Caller, wallet: Wallet, ordered: dict[str, object], story: Story
) -> None:
    wallet.send(wallet.body(ordered))
    before = story.everything()

    assert api.made(wallet.send(wallet.body(ordered))) == {"received": True}

    assert story.everything() == before


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"amount_minor": 999}, 409, "callback_amount_mismatch"),
        ({"currency": "USD"}, 409, "callback_amount_mismatch"),
        ({"amount_minor": True}, 400, "callback_malformed"),
        ({"amount_minor": 1000.0}, 400, "callback_malformed"),
        ({"amount_minor": 2**63}, 400, "callback_malformed"),
        ({"version": "0.9"}, 409, "callback_version_stale"),
        ({"out_trade_no": "MLNOBODY"}, 404, "trade_unknown"),
        ({"out_trade_no": "ML\x00"}, 400, "text_not_storable"),
        ({"channel_trade_no": "\ud800"}, 400, "text_not_storable"),
        ({"state": "CLOSED"}, 400, "callback_malformed"),
        ({"paid_at": "yesterday"}, 400, "callback_malformed"),
        ({"paid_at": None}, 400, "callback_malformed"),
    ],
)
def test_a_wrong_callback_posts_nothing(
    api: Caller,
    wallet: Wallet,
    ordered: dict[str, object],
    story: Story,
    changed: dict[str, object],
    status: int,
    code: str,
) -> None:
    before = story.everything()

    api.problem(wallet.send(wallet.body(ordered, **changed)), status, code)

    assert story.everything() == before


@pytest.mark.parametrize("body", ["", "[]", "{}", "{", '{"data": []}', '{"data": {"data": {}}}', "null", "1e999"])
def test_a_callback_in_another_form_is_malformed(api: Caller, wallet: Wallet, body: str) -> None:
    api.problem(wallet.send(body), 400, "callback_malformed")


def test_a_callback_of_50_000_brackets_is_too_deep(api: Caller, wallet: Wallet) -> None:
    api.problem(wallet.send("[" * 50_000), 400, "body_too_deep")


def test_a_signature_of_another_body_does_not_verify(api: Caller, wallet: Wallet, ordered: dict[str, object]) -> None:
    refused = wallet.send(wallet.body(ordered), sign="another body")

    api.problem(refused, 401, "callback_signature_invalid")


def test_a_callback_without_a_signature_is_refused(api: Caller, wallet: Wallet, ordered: dict[str, object]) -> None:
    refused = api.call("POST", "/v1/callbacks/wallet", data=wallet.body(ordered).encode())

    api.problem(refused, 401, "callback_signature_invalid")


def test_an_unknown_channel_has_no_inbox(api: Caller) -> None:
    api.problem(api.post("/v1/callbacks/cash", {}), 404, "channel_unknown")
