"""The sentences of a story and the lines of its narrator write amounts in the story's currency."""

from __future__ import annotations

from io import StringIO

import pytest

from mocklend.client import Client
from mocklend.language import Language
from mocklend.scenarios.narrator import Narrator
from mocklend.scenarios.words import sentence

CURRENCIES = pytest.mark.parametrize(("currency", "written"), [("JPY", "1,000,455"), ("KWD", "1,000.455")])
AMOUNT_MINOR = 1_000_455


@CURRENCIES
def test_a_sentence_takes_the_currency_beside_the_amount(currency: str, written: str) -> None:
    trade = {"amount_minor": AMOUNT_MINOR, "currency": currency, "channel": "wallet"}

    assert sentence(Language.EN, "UTC", "repay", trade, None, "CNY") == (f"Pays {written} by wallet", "")
    receipts = {"receipts": [{**trade, "state": "UNAPPLIED"}]}
    assert sentence(Language.EN, "UTC", "receipts", receipts, None)[0] == f"{written}: unapplied"
    page = {"principal_minor": AMOUNT_MINOR, "currency": currency}
    due = page | {"next_due": {"due_minor": AMOUNT_MINOR, "due_date": "2026-02-05"}}
    assert sentence(Language.EN, "UTC", "borrow", due, None)[0] == f"Borrows {written}; first due {written} on 5 Feb"


@CURRENCIES
def test_an_answer_without_a_currency_is_about_the_loan_of_the_story(currency: str, written: str) -> None:
    edit = {"amount_minor": AMOUNT_MINOR, "state": "APPLIED", "operator": "olaf"}

    assert sentence(Language.EN, "UTC", "edit", edit, None, currency) == (f"{written}: applied", "by olaf")
    assert sentence(Language.EN, "UTC", "edit", edit, None)[0] == "10,004.55: applied"


@CURRENCIES
def test_the_narrator_says_what_is_to_be_found_in_its_currency(mocklend: Client, currency: str, written: str) -> None:
    ada = mocklend.add_borrower("ada", "Ada")
    loan = mocklend.borrow(ada["id"], 1_000_005, product_id="jiebei-like", currency=currency)
    mocklend.arm("callback.dropped")
    mocklend.settle(mocklend.repay_quote(mocklend.quote(loan["id"]), "wallet"))
    mocklend.advance("PT1H")
    out = StringIO()
    narrator = Narrator(out)
    narrator.client = mocklend
    narrator.scene("A lost callback", "Ada pays.")

    narrator.audit(*narrator.answer_key())

    assert out.getvalue().count(f", {written} {currency}\n") == 2  # The entry, and the discrepancy.
