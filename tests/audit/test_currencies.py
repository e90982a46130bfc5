"""What an audit, an alert and the command line say of money is in the loan's own currency, with its decimals."""

from __future__ import annotations

import pytest

from mocklend.client import Client

AMOUNT_MINOR = 1_000_005
PAYOFF = {"CNY": "10,004.55 CNY", "JPY": "1,000,455 JPY", "KWD": "1,000.455 KWD"}
"""What pays the loan off on its first day, as its quote says."""
WRITTEN = {"CNY": "10,000.05 CNY", "JPY": "1,000,005 JPY", "KWD": "1,000.005 KWD"}


@pytest.mark.parametrize("currency", WRITTEN)
def test_a_lost_payment_has_its_amount_and_currency(mocklend: Client, currency: str) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], AMOUNT_MINOR, product_id="jiebei-like", currency=currency)
    mocklend.arm("callback.dropped")
    lost = mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))
    mocklend.pay_at_channel("wallet", AMOUNT_MINOR, payer_name="Bob", currency=currency)
    mocklend.advance("PT2H")

    found = {each["entity"]: each for each in mocklend.audit()["discrepancies"]}

    assert {each["currency"] for each in found.values()} == {currency}
    assert f"receipt of {PAYOFF[currency]} at " in found[lost["id"]]["detail"]
    [nobodys] = [each for each in found.values() if each["loan_id"] is None]
    assert f"receipt of {WRITTEN[currency]} at " in nobodys["detail"]
    details = [alert["detail"] for alert in mocklend.alerts()["alerts"] if alert["entity"] == lost["id"]]
    assert f"Wallet balance was paid {PAYOFF[currency]} at " in " ".join(details)


@pytest.mark.parametrize("currency", WRITTEN)
def test_a_page_that_lags_is_reported_in_its_currency(mocklend: Client, currency: str) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], AMOUNT_MINOR, product_id="jiebei-like", currency=currency)
    mocklend.arm("cache.bounded_stale", lag_s=3_600)
    mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))
    mocklend.advance("PT10M")

    [discrepancy] = mocklend.audit()["discrepancies"]

    assert (discrepancy["amount_minor"], discrepancy["currency"]) == (AMOUNT_MINOR, currency)
    [alert] = [each for each in mocklend.alerts()["alerts"] if each["check"] == "page_behind_books"]
    assert f"(USING, {WRITTEN[currency]})" in alert["detail"]
