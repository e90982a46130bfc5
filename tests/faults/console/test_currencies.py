"""The pages Answer key and Loan of a loan in yen and of one in dinars: each amount has the decimals of its currency."""

from __future__ import annotations

import re

import pytest

from support.console import Browser
from support.console_control import Control


@pytest.mark.parametrize(
    ("currency", "amount", "money"), [("JPY", "10,000", "¥10,000"), ("KWD", "10.000", "KWD 10.000")]
)
def test_pages_write_amounts_in_the_currency_of_the_loan(
    browser: Browser, control: Control, currency: str, amount: str, money: str
) -> None:
    control.call("PUT", "/-/rules/lost", {"fault": "callback.dropped"})
    ada = control.call("POST", "/v1/borrowers", {"reference": "ada", "name": "Ada"})["id"]
    terms = {"borrower_id": ada, "principal_minor": 100_000, "product_id": "jiebei-like", "currency": currency}
    loan = control.call("POST", "/v1/loans", terms)["id"]
    control.call(
        "POST", f"/v1/loans/{loan}/repayments", {"amount_minor": 10_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
    )
    control.call("POST", "/-/clock/advance", {"by": "PT2H"})

    key, page = _plain(browser.get("/key")), _plain(browser.get(f"/loans/{loan}"))

    assert f"<dd>{money}</dd>" in key
    assert f"{amount} was paid, and the books do not have it." in page
    assert f'<span class="n">{amount}</span>' in page
    assert "100.00<" not in key + page


def _plain(html: str) -> str:
    """With spaces that break."""
    return re.sub("\u00a0", " ", html)
