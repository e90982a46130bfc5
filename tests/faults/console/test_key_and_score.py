"""The pages Answer key and Scores: truth beside what was served, an audit on demand, findings against the key."""

from __future__ import annotations

import json
import re

import pytest

from mocklend.language import Language
from mocklend.received import LONG_BODIES
from support.console import Browser, english_sentences, seen
from support.console_control import Control

LOST = {"fault": "callback.dropped"}


def lost_payment(control: Control) -> tuple[str, str]:
    """A repayment whose callback is lost: its loan and its own id."""
    control.call("PUT", "/-/rules/lost", LOST)
    loan = control.repay()
    [entry] = control.call("GET", "/-/answer-key")["entries"]
    return loan, entry["expected"]["entity"]


def test_an_entry_stands_with_its_truth_and_its_loan(browser: Browser, control: Control) -> None:
    loan, repayment = lost_payment(control)

    page = browser.get("/key")

    assert f"/loans/{loan}" in page
    assert repayment in page
    assert "missing_in_books" in page
    assert "channel_state" in page
    assert "<dd>CN¥100.00</dd>" in page
    assert 'data-key="g l"' in page, "the sidebar has its pages"
    assert repayment not in browser.get("/key?status=healed")
    assert repayment not in browser.get("/key?rule=another")
    assert repayment in browser.get(f"/key?rule=lost&fault=callback.dropped&loan_id={loan}&status=active")
    assert 'id="error-status"' in browser.get("/key?status=happy")


def test_values_are_written_as_a_reader_of_the_language_writes_them(browser: Browser) -> None:
    served = {"overdue_minor": 121_500, "months": 3, "ids": ["rpy_a", "rpy_b"], "none": None, "empty": "", "paid": True}

    with browser.client.application.test_request_context(f"/console/{browser.sandbox_id}/key?lang=zh"):
        browser.client.application.preprocess_request()
        template = browser.client.application.jinja_env.get_template("key_values.html")
        context: dict[str, object] = {}
        browser.client.application.update_template_context(context)
        written = vars(template.make_module(context))["fields"](served, "CNY")

    assert '<code title="rpy_a">rpy_a</code>' in written
    assert re.findall(r"<dd>(.*?)</dd>", re.sub(r"<code title[^>]*>|(?<=[ab])</code>", "", str(written))) == [
        "¥1,215.00",
        "3",
        "rpy_a，rpy_b",
        "–",
        "–",
        "是",
    ]


def test_the_audit_is_made_when_somebody_asks_and_equals_the_open_entries(browser: Browser, control: Control) -> None:
    lost_payment(control)

    before, after = browser.get("/key"), browser.post("/key/audit", {}).text

    assert "discrepancies" not in seen(before)
    assert "Discrepancies: 1 = open entries: 1" in seen(after)


@pytest.mark.parametrize("form", ["list", "lines", "object"])
def test_findings_are_scored_in_any_of_three_forms(browser: Browser, control: Control, form: str) -> None:
    _, repayment = lost_payment(control)
    finding = {"class": "missing_in_books", "entity": repayment}
    typed = {"list": json.dumps([finding]), "lines": json.dumps(finding), "object": json.dumps({"findings": [finding]})}

    page = browser.post("/score", {"findings": typed[form]}).text

    assert "Passed" in seen(page)
    assert "1 found" in seen(page)


def test_a_miss_leads_to_its_loan_and_a_near_one_says_the_right_class(browser: Browser, control: Control) -> None:
    loan, _ = lost_payment(control)
    finding = {"class": "misapplied", "entity": loan}

    page = browser.post("/score", {"findings": json.dumps([finding])}).text

    assert "Not passed" in seen(page)
    assert "You said <code>misapplied</code>, it is <code>missing_in_books</code>." in page
    assert page.count(f"/loans/{loan}") >= 2


@pytest.mark.parametrize(
    "typed",
    ["{", "[{}]", "7", "NaN", '[{"class": "nothing", "entity": "x"}]', "[" * 20_000, '["\\ud800"]', '["\\u0000"]'],
    ids=["brace", "empty", "number", "nan", "class", "deep", "surrogate", "nul"],
)
@pytest.mark.parametrize("language", list(Language))
def test_findings_that_cannot_be_read_are_kept_with_the_error(browser: Browser, typed: str, language: Language) -> None:
    answer = browser.post("/score", {"findings": typed}, language)

    assert answer.status_code == 422
    assert 'id="error-findings"' in answer.text


def test_a_chinese_page_has_no_english_sentence(browser: Browser, control: Control) -> None:
    loan, _ = lost_payment(control)
    findings = {"findings": json.dumps([{"class": "misapplied", "entity": loan}])}

    for page in (
        browser.get("/key", Language.ZH),
        browser.post("/key/audit", {}, Language.ZH).text,
        browser.get("/score", Language.ZH),
        browser.post("/score", findings, Language.ZH)
        .text.replace("<textarea", "<code")
        .replace("</textarea", "</code"),
    ):
        assert english_sentences(page) == []


def test_a_score_is_kept_with_who_handed_in_and_is_shown_again(browser: Browser, control: Control) -> None:
    loan, _ = lost_payment(control)
    finding = {"class": "misapplied", "entity": loan}
    assert "Nobody has handed in yet." in seen(browser.get("/score"))

    browser.post("/score", {"findings": json.dumps([finding]), "label": "第七组"})

    listed = browser.get("/score")
    assert "第七组" in seen(listed)
    assert "0 of 1" in seen(listed)
    again = browser.get("/score/scr_1")
    assert "You said <code>misapplied</code>, it is <code>missing_in_books</code>." in again
    assert "There is no such score." in seen(browser.get("/score/scr_2", status=404))


def test_more_kept_scores_than_a_page_has_are_on_the_next(browser: Browser, control: Control) -> None:
    for _ in range(51):
        control.call("POST", "/-/scores", {"findings": []})

    first = browser.get("/score")
    following = browser.get("/score?before=scr_2")

    assert "before=scr_2" in first
    assert ">scr_51<" in first
    assert ">scr_1<" not in first
    assert ">scr_1<" in following
    assert "Next 50" in seen(first)
    assert "Next 50" not in seen(following)


def test_as_many_findings_as_the_api_takes_are_typed_too(browser: Browser, control: Control) -> None:
    findings = [{"class": "misapplied", "entity": f"loan_{n:026}"} for n in range(20_000)]
    typed = json.dumps(findings)
    control.call("POST", "/-/scores", {"findings": findings})

    answer = browser.client.post(f"/console/{browser.sandbox_id}/score", data={"findings": typed})

    assert len(typed) > 1024 * 1024
    assert answer.status_code == 200
    assert "20,000 false" in seen(answer.text)
    assert browser.get("/score").count('enctype="multipart/form-data"') == 1, "urlencoded, it would be longer than JSON"


def test_findings_that_are_too_long_are_kept_with_the_number_of_bytes(browser: Browser) -> None:
    most = LONG_BODIES["/-/scores"]

    answer = browser.post("/score", {"findings": "[" + " " * most + "]"})

    assert answer.status_code == 422
    assert f"at most {most} bytes" in answer.text
    assert len(answer.text) > most


@pytest.mark.parametrize("typed", ["", " \n "])
def test_nothing_typed_is_no_score(browser: Browser, typed: str) -> None:
    answer = browser.post("/score", {"findings": typed, "label": "Group 7"})

    assert answer.status_code == 422
    assert 'id="error-findings"' in answer.text
    assert "Group 7" in answer.text
    assert "Nobody has handed in yet." in seen(browser.get("/score"))
    assert browser.post("/score", {"findings": "[]"}).status_code == 200, "none found is said"


def test_a_label_that_is_too_long_is_kept_with_the_error(browser: Browser) -> None:
    answer = browser.post("/score", {"findings": "[]", "label": "x" * 81})

    assert answer.status_code == 422
    assert 'id="error-label"' in answer.text
    assert "x" * 81 in answer.text


def test_the_key_is_not_shown_while_the_truth_is_hidden_and_a_score_has_no_lists(
    browser: Browser, control: Control
) -> None:
    loan, repayment = lost_payment(control)
    hidden = f"/console/{browser.sandbox_id}"
    assert browser.client.get(f"{hidden}/key?truth=hidden").status_code == 303

    judged = browser.post("/score", {"findings": json.dumps([{"class": "misapplied", "entity": loan}])}).text

    assert "Not passed" in seen(judged)
    for page in (judged, browser.get("/score/scr_1")):
        assert "missing_in_books" not in page
        assert repayment not in page
        assert "Nearly right" not in seen(page)


def test_the_reasons_of_a_verdict_are_said_in_both_languages(browser: Browser, control: Control) -> None:
    lost_payment(control)
    nothing = {"findings": "[]"}

    english, chinese = (browser.post("/score", nothing, language).text for language in Language)

    assert "recall is 0.0000, and at least 1 is required" in seen(english)
    assert "召回率为 0.0000，要求至少 1" in seen(chinese)
    assert english_sentences(chinese) == []
