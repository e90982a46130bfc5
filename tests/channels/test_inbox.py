"""The inbox accepts a callback that the order's own channel signed, once, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from mocklend.channels.callback_secrets import callback_secret
from mocklend.channels.inbox import ReceiveCallback
from mocklend.domain.problems import Refused
from mocklend.sandboxes.ids import out_trade_no
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.signing import TOLERANCE_S, signed_headers
from mocklend.storage.entities import Repayment
from mocklend.storage.work import Answer
from support.story import Story


class Channel:
    """An external channel: it signs any message and sends it over HTTP."""

    def __init__(self, story: Story, id: str = "wallet") -> None:
        self.story = story
        self.id = id
        self.secret = callback_secret(story.sandbox.api_key, id)

    def message(self, repayment_id: str, **changes: object) -> bytes:
        data = {
            "version": "1.0",
            "out_trade_no": out_trade_no(repayment_id),
            "channel_trade_no": "CH1",
            "state": "SUCCESS",
            "amount_minor": 9_500,
            "currency": "CNY",
            "paid_at": rfc3339(self.story.now_ms),
        }
        return json.dumps({"type": "payment.succeeded", "data": data | changes}).encode()

    def send(self, body: bytes, *, skew_s: int = 0, **headers: str) -> Answer:
        at_ms = self.story.now_ms + skew_s * 1000
        signed = signed_headers(self.secret, "msg_1", at_ms, body.decode(errors="replace"))
        signed |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.story.platform.run(ReceiveCallback(self.story.sandbox_id, self.id, signed, body))


@pytest.fixture
def channel(story: Story) -> Channel:
    return Channel(story)


@pytest.fixture
def order(story: Story) -> str:
    """An order for 95.00 through the wallet."""
    repayment_id: str = story.order(story.borrow(), 9_500)
    return repayment_id


def test_a_signed_callback_is_applied_and_a_second_one_is_only_acknowledged(
    story: Story, channel: Channel, order: str
) -> None:
    first = channel.send(channel.message(order))
    before = story.everything()

    again = channel.send(channel.message(order, channel_trade_no="CH2"))

    assert (first.status, again.status) == (200, 200)
    assert story.everything() == before
    assert story.entity(Repayment, order).channel_trade_no == "CH1"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount_minor": 9_501}, "callback_amount_mismatch"),
        ({"amount_minor": -9_500}, "callback_amount_mismatch"),
        ({"amount_minor": 2**70}, "callback_malformed"),
        ({"currency": "EUR"}, "callback_amount_mismatch"),
        ({"amount_minor": True}, "callback_malformed"),
        ({"amount_minor": "9500"}, "callback_malformed"),
        ({"amount_minor": 9500.0}, "callback_malformed"),
        ({"amount_minor": None}, "callback_malformed"),
        ({"version": "0.9"}, "callback_version_stale"),
        ({"version": 1}, "callback_version_stale"),
        ({"version": None}, "callback_version_stale"),
        ({"version": "\ud800"}, "callback_version_stale"),
        ({"state": "CLOSED"}, "callback_malformed"),
        ({"out_trade_no": "MLX"}, "trade_unknown"),
        ({"out_trade_no": ""}, "callback_malformed"),
        ({"out_trade_no": 7}, "callback_malformed"),
        ({"channel_trade_no": "x" * 65}, "callback_malformed"),
        ({"channel_trade_no": "\ud800"}, "callback_malformed"),
        ({"channel_trade_no": "a\0b"}, "callback_malformed"),
        ({"out_trade_no": "ML\ud800"}, "callback_malformed"),
        ({"paid_at": "yesterday"}, "callback_malformed"),
        ({"paid_at": 7}, "callback_malformed"),
        ({"paid_at": "2026-01-05T02:00:00.001Z"}, "callback_malformed"),  # after now
        ({"paid_at": "2999-01-05T02:00:00Z"}, "callback_malformed"),
        ({"paid_at": "2026-01-05T01:59:59.999Z"}, "callback_malformed"),  # before there was an order
    ],
)
def test_a_callback_that_differs_from_its_order_is_refused_and_changes_nothing(
    story: Story, channel: Channel, order: str, changes: dict[str, object], code: str
) -> None:
    before = story.everything()

    with pytest.raises(Refused) as caught:
        channel.send(channel.message(order, **changes))

    assert caught.value.code == code
    assert story.everything() == before
    orjson.dumps(caught.value.to_json())  # The refusal itself can be sent.


KINDS = ("payment.succeeded", "payment.received", "payment.closed", "payment.returned")


def _unlike(whole: dict[str, Any]) -> dict[str, tuple[dict[str, Any], str]]:
    """What a channel could say that no channel says, for a message of any type, and the code that it is refused with."""
    data = whole["data"]
    unlike = {
        "unknown type": whole | {"type": "payment.refunded"},
        "type in capitals": whole | {"type": whole["type"].upper()},
        "type with a blank": whole | {"type": whole["type"] + " "},
        "no type": {name: value for name, value in whole.items() if name != "type"},
        "unknown field": whole | {"loan_id": "loan_1"},
        "unknown field of the data": whole | {"data": data | {"repayment_id": "rpy_1"}},
        "field of another type": whole | {"data": data | {"discount_minor": 1}},
        "unknown state": whole | {"data": data | {"state": "PENDING"}},
        "no state": whole | {"data": {name: value for name, value in data.items() if name != "state"}},
        "no time": whole | {"timestamp": "yesterday"},
        "time that is a number": whole | {"timestamp": 7},
    }
    types: list[Any] = [None, True, 7, 1.5, [], {}, [whole["type"]], "", "\ud800", "a" * 10_000]
    for n, type in enumerate(types):
        unlike[f"type {n}"] = whole | {"type": type}
    states: list[Any] = [None, True, 7, [], {}, "", "success", "\0", "a" * 10_000]
    for n, state in enumerate(states):
        unlike[f"state {n}"] = whole | {"data": data | {"state": state}}
    codes = {name: (item, "callback_malformed") for name, item in unlike.items()}
    for n, version in enumerate(("1", "1.1", "2.0", "", 1.0, True, [], {}, "1.0\0", "a" * 10_000)):
        codes[f"version {n}"] = (whole | {"data": data | {"version": version}}, "callback_version_stale")
    return codes


@pytest.mark.parametrize("kind", KINDS)
def test_an_impossible_callback_is_refused_and_changes_nothing(
    story: Story, channel: Channel, order: str, kind: str
) -> None:
    moment = rfc3339(story.now_ms)
    state = {"payment.closed": "CLOSED", "payment.returned": "RETURNED"}.get(kind, "SUCCESS")
    more = {
        "payment.received": {"payer_name": "Ada", "payer_reference": "x", "scope": "loan"},
        "payment.returned": {"returned_at": moment},
    }.get(kind, {})
    whole = json.loads(channel.message(order, state=state, **more)) | {"type": kind, "timestamp": moment}
    before = story.everything()

    for name, (message, code) in _unlike(whole).items():
        with pytest.raises(Refused) as caught:
            channel.send(json.dumps(message).encode())
        assert caught.value.code == code, name
        assert len(orjson.dumps(caught.value.to_json())) < 1_000

    assert story.everything() == before


def test_the_refusal_of_a_type_names_the_known_types(channel: Channel, order: str) -> None:
    with pytest.raises(Refused) as caught:
        channel.send(json.dumps(json.loads(channel.message(order)) | {"type": "payment.succeded"}).encode())

    assert caught.value.expected == list(KINDS)
    assert caught.value.received == "'payment.succeded'"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"7", b'"data"', b"null", b'{"data": null}', b'{"data": []}', b'{"data": {}}', b"\xff\xfe",
     b"[" * 50_000, b'{"data":' * 50_000],
)  # fmt: skip
def test_a_callback_in_another_form_than_the_channels_is_refused(
    story: Story, channel: Channel, order: str, body: bytes
) -> None:
    with pytest.raises(Refused, match="callback_malformed"):
        channel.send(body)


def test_a_callback_for_another_channels_order_is_refused(story: Story, order: str) -> None:
    other = Channel(story, "bank_card")

    with pytest.raises(Refused, match="trade_unknown"):
        other.send(other.message(order))


def test_an_unknown_channel_is_refused(story: Story, channel: Channel, order: str) -> None:
    channel.id = "cheque"

    with pytest.raises(Refused) as caught:
        channel.send(channel.message(order))

    assert caught.value.code == "channel_unknown"
    assert "wallet" in caught.value.expected


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook_signature": ""},
        {"webhook_signature": "v1,AAAA"},
        {"webhook_signature": "v1,\u00e9"},
        {"webhook_id": "msg_2"},
        {"webhook_id": ""},
        {"webhook_timestamp": ""},
        {"webhook_timestamp": "now"},
        {"webhook_timestamp": "-1"},
        {"webhook_timestamp": "9" * 13},
        {"webhook_timestamp": "\u0661"},
        {"webhook_timestamp": "1767578401"},  # within tolerance, but not what was signed
    ],
)
def test_a_signature_that_does_not_verify_is_refused_and_changes_nothing(
    story: Story, channel: Channel, order: str, headers: dict[str, str]
) -> None:
    before = story.everything()

    with pytest.raises(Refused, match="callback_signature_invalid"):
        channel.send(channel.message(order), skew_s=0, **headers)

    assert story.everything() == before


def test_no_headers_at_all_are_refused(story: Story, channel: Channel, order: str) -> None:
    with pytest.raises(Refused, match="callback_signature_invalid"):
        story.platform.run(ReceiveCallback(story.sandbox_id, "wallet", {}, channel.message(order)))


@pytest.mark.parametrize("paid", [False, True])
def test_an_event_that_contradicts_what_is_known_of_its_order_is_refused(
    story: Story, channel: Channel, order: str, paid: bool
) -> None:
    if paid:
        story.wait(2)
    before = story.everything()
    closed = json.loads(channel.message(order, state="CLOSED")) | {"type": "payment.closed"}

    with pytest.raises(Refused) as refused:
        channel.send(json.dumps(closed).encode())

    assert refused.value.code == "callback_out_of_order"
    assert story.everything() == before


@pytest.mark.parametrize("skew_s", [-TOLERANCE_S, TOLERANCE_S])
def test_a_signature_may_be_five_minutes_off(channel: Channel, order: str, skew_s: int) -> None:
    assert channel.send(channel.message(order), skew_s=skew_s).status == 200


@pytest.mark.parametrize("skew_s", [-TOLERANCE_S - 1, TOLERANCE_S + 1, -86_400])
def test_an_old_or_early_signature_is_refused(channel: Channel, order: str, skew_s: int) -> None:
    with pytest.raises(Refused, match="callback_signature_invalid"):
        channel.send(channel.message(order), skew_s=skew_s)


def test_one_valid_signature_of_several_is_enough(channel: Channel, order: str) -> None:
    body = channel.message(order)
    good = signed_headers(channel.secret, "msg_1", channel.story.now_ms, body.decode())["webhook-signature"]

    assert channel.send(body, webhook_signature=f"v1a,xyz v1,AAAA {good}").status == 200


def test_a_signature_with_another_sandboxs_secret_is_refused(
    tell: Callable[..., Story], order: str, channel: Channel
) -> None:
    channel.secret = callback_secret(tell().sandbox.api_key, "wallet")

    with pytest.raises(Refused, match="callback_signature_invalid"):
        channel.send(channel.message(order))


def test_a_callback_about_a_reversed_repayment_is_acknowledged_and_does_not_bring_it_back(
    story: Story, channel: Channel, order: str
) -> None:
    channel.send(channel.message(order))
    story.reverse(order)
    before = story.everything()

    assert channel.send(channel.message(order)).status == 200

    assert story.everything() == before
