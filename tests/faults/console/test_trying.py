"""Try on one loan: the rule is armed for one loan alone, and a few clicks later its loan is wrong."""

from __future__ import annotations

import re

import pytest

from mocklend.language import Language
from mocklend_faults.engine.catalogue import installed
from support.console import Browser, english_sentences, seen
from support.console_control import Control

OF_NO_LOAN = {"statement.duplicated_rows", "statement.late", "statement.reencoded", "statement.truncated"}
FORM = {"fault": "callback.dropped", "id": "lost", "select.probability": "1", "try": "1"}


def test_each_kind_is_armed_for_one_loan(browser: Browser, control: Control) -> None:
    known: set[str] = set()
    for kind in installed():
        offered = 'name="try"' in browser.get(f"/faults?kind={kind}")
        answer = browser.post("/faults", {"fault": kind, "id": "tried", "try": "1"})
        lent = [loan for loan in control.call("GET", "/v1/loans?limit=100")["loans"] if loan["id"] not in known]
        rules = control.call("GET", "/-/rules")["rules"]

        if kind in OF_NO_LOAN:
            assert (offered, answer.status_code, lent, rules) == (False, 422, [], []), kind
            continue
        [loan], [rule] = lent, rules
        [(field, condition)] = rule["match"].items()
        named = {"loan_id": loan["id"], "borrower_id": loan["borrower_id"], "reference": loan["reference"]}
        assert (offered, condition) == (True, {"equal_to": named[field]}), kind
        assert f"/loans/{loan['id']}" in browser.get(answer.location), kind
        control.call("DELETE", "/-/rules/tried")
        control.call("POST", "/-/clock/advance", {"by": "PT1S"})
        known.add(loan["id"])


@pytest.mark.parametrize("language", list(Language))
def test_from_the_form_to_a_broken_chain_in_three_clicks(
    browser: Browser, control: Control, language: Language
) -> None:
    page = browser.go("/faults", FORM, language)
    [loan] = re.findall(r'name="loan" value="([^"]+)"', page)

    page = browser.go("/rules/lost/pay-off", {"loan": loan}, language)
    browser.go("/clock", {"by": "P1D", "from": ""}, language)
    page = browser.get("/rules/lost", language)

    assert control.call("GET", "/-/rules/lost")["injected"] == 1
    assert 'class="first"' in page
    assert '<tr class="break' in browser.get(f"/loans/{loan}", language)
    assert language is Language.EN or english_sentences(page) == []


def test_a_fault_of_opening_hits_the_loan_that_is_lent_for_it(browser: Browser, control: Control) -> None:
    browser.go("/faults", {"fault": "migration.legacy_residue", "id": "residue", "try": "1"})

    assert control.call("GET", "/-/rules/residue")["injected"] == 1


def test_a_loan_that_is_named_is_taken_and_no_other_is_lent(browser: Browser, control: Control) -> None:
    loan = control.repay()

    page = browser.go("/faults", {**FORM, "match.loan_id": loan, "match.channel": "wallet"})

    assert len(control.call("GET", "/v1/loans")["loans"]) == 1
    assert control.call("GET", "/-/rules/lost")["match"] == {
        "channel": {"equal_to": "wallet"},
        "loan_id": {"equal_to": loan},
    }
    assert f"/loans/{loan}/operator" in page


@pytest.mark.parametrize("field", ["match.loan_id", "select.probability", "id"])
def test_an_error_lends_nothing_and_arms_nothing(browser: Browser, control: Control, field: str) -> None:
    answer = browser.post("/faults", {**FORM, field: "No Such"})

    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text
    assert 'value="No Such"' in answer.text
    assert control.call("GET", "/v1/loans")["loans"] == []
    assert control.call("GET", "/-/rules") == {"rules": []}


def test_who_lends_in_both_languages_has_a_borrower_of_each(browser: Browser, control: Control) -> None:
    for n, language in enumerate([Language.EN, Language.ZH, Language.EN]):
        browser.go("/faults", {**FORM, "id": f"lost-{n}"}, language)

    assert {each["name"] for each in control.call("GET", "/v1/borrowers")["borrowers"]} == {"Zhang San", "张三"}
    assert len(control.call("GET", "/v1/loans")["loans"]) == 3


def test_an_order_that_is_refused_says_why(browser: Browser, control: Control) -> None:
    page = browser.go("/faults", FORM)
    [loan] = re.findall(r'name="loan" value="([^"]+)"', page)
    browser.go("/rules/lost/pay-off", {"loan": loan})

    nobody = browser.post("/rules/lost/pay-off", {"loan": "loan_nobody"})

    assert nobody.status_code == 404
    assert "loan_unknown" in nobody.text
    assert "Pay it all back" in seen(browser.get("/rules/lost"))
