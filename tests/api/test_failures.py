"""The endpoints that make a payment or a payout fail."""

from __future__ import annotations

from support.caller import Caller


def test_a_channel_returns_a_payment_that_it_had_reported(api: Caller) -> None:
    loan = api.borrow()
    repayment = api.repay(loan["id"], 1000)
    api.wait(2)
    path = f"/channels/wallet/trades/{repayment['out_trade_no']}/return"

    failed = api.post(path, {})
    api.wait(1)

    assert (failed.status_code, failed.get_json()["state"]) == (202, "RETURNED")
    assert api.made(api.get(f"/v1/repayments/{repayment['id']}"))["status"] == "REVERSED"
    api.problem(api.post(path, {}), 409, "trade_not_paid")
    api.problem(api.post(path, {"why": 1}), 422, "validation_failed")


def test_a_payout_that_fails_leaves_no_loan(api: Caller) -> None:
    loan = api.borrow(disburse_to="bank_transfer")
    payout = api.made(api.get(f"/operator/loans/{loan['id']}/payouts"))["payouts"][0]

    failed = api.post(f"/channels/bank_transfer/payouts/{payout['id']}/failure", {})

    assert (failed.status_code, failed.get_json()["state"]) == (202, "FAILED")
    assert api.made(api.get(f"/v1/loans/{loan['id']}"))["status"] == "FAILED"
