from support.caller import Caller


def test_every_channel_is_listed_with_its_delay_and_retry_schedule(api: Caller) -> None:
    listed = {channel["id"]: channel for channel in api.made(api.get("/channels"))["channels"]}

    assert set(listed) == {"auto_debit", "bank_card", "bank_transfer", "bill_pay", "wallet"}
    assert listed["wallet"]["settle_delay_s"] == 2
    assert len(listed["auto_debit"]["callback_after_s"]) == 8


def test_the_channel_has_the_money_when_its_delay_is_over(api: Caller) -> None:
    repayment = api.repay(api.borrow()["id"], 1000, payer_reference="for the loan")
    order = f"/channels/wallet/trades/{repayment['out_trade_no']}"
    before = api.made(api.get(order))

    api.wait(2)

    after = api.made(api.get(order))
    assert (before["state"], before["paid_at"]) == ("CREATED", None)
    assert (after["state"], after["paid_at"]) == ("SUCCESS", "2026-01-05T02:00:02.000Z")
    assert after["payer_reference"] == "for the loan"


def test_the_log_of_a_callback_has_its_attempts(api: Caller) -> None:
    repayment = api.repay(api.borrow()["id"], 1000)
    log = f"/channels/wallet/callbacks/{repayment['out_trade_no']}"
    api.problem(api.get(log), 404, "trade_unknown")

    api.wait(2)

    callback = api.made(api.get(log))
    assert callback["state"] == "ACKED"
    assert callback["attempts"] == [
        {"n": 1, "at": "2026-01-05T02:00:02.000Z", "event": "payment.succeeded", "outcome": "acked"}
    ]
    assert callback["acked_at"] == callback["applied_at"] == "2026-01-05T02:00:02.000Z"


def test_a_payment_without_an_order_has_its_log_too(api: Caller) -> None:
    paid = {"amount_minor": 1000, "payer_name": "Ada", "payer_reference": "thanks"}
    payment = api.made(api.post("/channels/bank_transfer/payments", paid))
    api.wait(86_400)

    callback = api.made(api.get(f"/channels/bank_transfer/callbacks/{payment['out_trade_no']}"))

    assert callback["state"] == "ACKED"


def test_a_channel_knows_its_own_orders_only(api: Caller) -> None:
    repayment = api.repay(api.borrow()["id"], 1000)

    api.problem(api.get(f"/channels/bank_card/trades/{repayment['out_trade_no']}"), 404, "trade_unknown")
    api.problem(api.get(f"/channels/cash/trades/{repayment['out_trade_no']}"), 404, "channel_unknown")
