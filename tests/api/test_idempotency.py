from __future__ import annotations

import pytest

from support.caller import Caller, Documented
from support.story import Story

pytestmark = pytest.mark.parametrize("app", ["flask", "hot"], indirect=True)

TERMS = {"method": "equal_instalment", "terms": 12, "rate": "0.06"}
REPAYMENT = {"amount_minor": 1000, "channel": "wallet", "type": "OVD_AND_CURRENT"}


def test_a_retry_has_the_same_answer_and_is_marked_as_a_replay(api: Caller) -> None:
    loan = api.borrow()
    path = f"/v1/loans/{loan['id']}/repayments"
    first = api.post(path, REPAYMENT, key="order-1")
    api.wait(2)

    again = api.post(path, dict(reversed(REPAYMENT.items())), key="order-1")

    assert (again.status_code, again.get_json()) == (first.status_code, first.get_json())
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(api.made(api.get(path))["repayments"]) == 1


def test_a_retry_of_a_refused_request_has_the_same_refusal(api: Caller) -> None:
    body = {"borrower_id": "brw_nobody", "principal_minor": 1000, "product": TERMS}
    first = api.post("/v1/loans", body, key="order-1")

    again = api.post("/v1/loans", body, key="order-1")

    assert api.problem(again, 404, "borrower_unknown") == api.problem(first, 404, "borrower_unknown")
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_key_belongs_to_one_body_and_one_address(api: Caller, story: Story) -> None:
    loan, other = api.borrow(reference="a"), api.borrow(reference="b")
    api.made(api.post(f"/v1/loans/{loan['id']}/repayments", REPAYMENT, key="order-1"))
    before = story.everything()

    for path, body in (
        (f"/v1/loans/{loan['id']}/repayments", REPAYMENT | {"amount_minor": 1001}),
        (f"/v1/loans/{other['id']}/repayments", REPAYMENT),
    ):
        api.problem(api.post(path, body, key="order-1"), 422, "idempotency_key_reused")

    assert story.everything() == before


MONEY = [
    ("/v1/loans", {"borrower_id": "brw_x", "principal_minor": 1000, "product": TERMS}),
    ("/bureau/lenders/swift-card/applications", {"borrower_id": "brw_x", "product": "card", "amount_minor": 5}),
    ("/v1/loans/loan_x/repayments", REPAYMENT),
    ("/operator/loans/loan_x/edits", {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": 5, "memo": "m", "operator": "o"}),
    (
        "/operator/loans/loan_x/charges",
        {"kind": "fee", "amount_minor": 5, "due_date": "2026-02-05", "memo": "m", "operator": "o"},
    ),
    ("/operator/loans/loan_x/waivers", {"part": "fee", "amount_minor": 5, "memo": "m", "operator": "o"}),
    ("/operator/loans/loan_x/write-offs", {"memo": "m", "operator": "o"}),
    ("/operator/loans/loan_x/refunds", {"channel": "wallet", "memo": "m", "operator": "o"}),
    ("/operator/edits/edt_x/approve", {"approver": "o"}),
    ("/operator/edits/edt_x/reject", {"memo": "m", "operator": "o"}),
    ("/operator/edits/edt_x/reverse", {"memo": "m", "operator": "o"}),
    ("/operator/repayments/rpy_x/reverse", {"memo": "m", "operator": "o"}),
    ("/operator/repayments/rpy_x/rebook", {"memo": "m", "operator": "o"}),
    ("/operator/repayments/rpy_x/reinstate", {"memo": "m", "operator": "o"}),
    ("/operator/repayments/rpy_x/query", {"operator": "o"}),
    ("/channels/wallet/trades/MLX/return", {}),
    ("/channels/wallet/payouts/out_x/failure", {}),
    ("/channels/wallet/payments", {"amount_minor": 1000, "payer_name": "Ada"}),
    ("/operator/receipts/query", {"channel": "bill_pay", "out_trade_no": "PYX", "operator": "o"}),
    ("/operator/receipts/rct_x/match", {"loan_id": "loan_x", "memo": "m", "operator": "o"}),
    ("/operator/receipts/rct_x/reverse", {"memo": "m", "operator": "o"}),
    ("/operator/receipts/rct_x/move", {"loan_id": "loan_x", "memo": "m", "operator": "o"}),
    ("/v1/disputes", {"loan_id": "loan_x", "claim": "other"}),
    ("/v1/disputes/dsp_x/statement", {"statement": "s"}),
    ("/operator/disputes/dsp_x/verify", {"operator": "o"}),
    ("/operator/disputes/dsp_x/decide", {"decision": "REJECTED", "memo": "m", "operator": "o"}),
]


@pytest.mark.parametrize(("path", "body"), MONEY)
def test_whatever_moves_money_asks_for_a_key(api: Caller, path: str, body: dict[str, object]) -> None:
    api.problem(api.call("POST", path, json=body), 400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["", "é", "a" * 256, "a\x7f", "a\tb"])
def test_a_key_must_be_printable_ascii(api: Caller, key: str) -> None:
    path, body = MONEY[0]

    api.problem(api.call("POST", path, {"Idempotency-Key": key}, json=body), 400, "idempotency_key_invalid")


@pytest.mark.parametrize("key", ["a", " ~", "a" * 255])
def test_a_key_may_have_any_printable_ascii_character(api: Caller, key: str) -> None:
    path, body = MONEY[0]

    api.problem(api.call("POST", path, {"Idempotency-Key": key}, json=body), 404, "borrower_unknown")


def test_the_document_says_which_operations_require_a_key(documented: Documented) -> None:
    asking = {
        path
        for path, operations in documented.document["paths"].items()
        for operation in operations.values()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
    }

    assert len(asking) == len(MONEY)
    assert all(
        path.startswith(("/v1/loans", "/v1/disputes", "/operator/", "/channels/", "/bureau/")) for path in asking
    )
