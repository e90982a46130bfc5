"""The pages Faults and Rule: forms that arm what the API arms, errors by field, and why a rule acted or did not."""

from __future__ import annotations

import pytest

from mocklend.language import Language
from support.console import Browser, english_sentences, seen
from support.console_control import Control

FORM = {"fault": "callback.dropped", "id": "lost", "select.probability": "0.5", "with.attempts_lost": "3"}


def test_the_catalogue_is_grouped_by_the_chain_and_has_each_kind(browser: Browser) -> None:
    page = browser.get("/faults")

    assert "54 kinds, 0 rules" in seen(page)
    assert "A callback is lost" in seen(page)
    assert page.count("<summary>") >= 6
    assert "No rule is armed" in page


def test_a_kind_has_its_form_with_bounds_and_what_each_party_sees(browser: Browser) -> None:
    page = browser.get("/faults?kind=bureau.lag")

    assert 'name="with.lag_days" value="7"' in page
    assert "1 – 366, days" in page
    assert "the account as it was reported before, or none" in page
    assert "wrong_bureau" in page


def test_the_form_arms_the_rule_that_the_api_would_arm(browser: Browser, control: Control) -> None:
    page = browser.go("/faults", {**FORM, "match.channel": "wallet", "select.unit": "entity", "select.times": "8"})

    assert "A callback is lost" in page
    rule = control.call("GET", "/-/rules/lost")
    assert rule["match"] == {"channel": {"equal_to": "wallet"}}
    assert rule["select"] == {"probability": 0.5, "unit": "entity", "times": 8}
    assert rule["with"] == {"attempts_lost": 3}


def test_an_empty_setting_that_may_be_null_is_null(browser: Browser, control: Control) -> None:
    browser.go("/faults", {**FORM, "with.attempts_lost": ""})

    assert control.call("GET", "/-/rules/lost")["with"] == {"attempts_lost": None}


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("select.probability", "1.4"),
        ("select.times", "often"),
        ("with.attempts_lost", "1000"),
        ("id", "No Spaces"),
        ("activate.duration_s", "0"),
        ("match.channel", "9" * 201),
    ],
)
@pytest.mark.parametrize("language", list(Language))
def test_an_error_stands_at_its_field_and_the_input_is_kept(
    browser: Browser, control: Control, field: str, typed: str, language: Language
) -> None:
    answer = browser.post("/faults", {**FORM, field: typed}, language)

    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text
    assert typed in answer.text
    assert 'value="0.5"' in answer.text or field == "select.probability"
    assert control.call("GET", "/-/rules") == {"rules": []}


def test_what_would_be_sent_is_shown_and_nothing_is_armed(browser: Browser, control: Control) -> None:
    answer = browser.post("/faults", {**FORM, "show": "1"})

    assert answer.status_code == 200
    assert "/-/rules/lost" in answer.text
    assert "&#34;attempts_lost&#34;: 3" in answer.text
    assert control.call("GET", "/-/rules") == {"rules": []}


def test_a_rule_shows_its_counters_its_draws_and_why_it_acted(browser: Browser, control: Control) -> None:
    browser.go("/faults", {**FORM, "select.probability": "1"})
    browser.go("/faults", {**FORM, "id": "never", "select.probability": "0"})
    loan = control.repay()

    lost, never = browser.get("/rules/lost"), browser.get("/rules/never")

    assert "is below 1.000000" in lost
    assert loan in lost
    assert "<circle" in lost
    assert "is not below 0.000000" in never
    assert "Its probability is 0 at all times." in never
    assert browser.get("/rules/never?outcome=injected").count("<tr") == 0
    assert browser.get("/rules/nobody", status=404)


def test_a_rule_that_was_never_evaluated_is_no_pass(browser: Browser) -> None:
    browser.go("/faults", FORM)

    assert "A fault that never fired is not a pass." in browser.get("/faults")


def test_a_rule_is_switched_off_and_on_changed_and_deleted(browser: Browser, control: Control) -> None:
    browser.go("/faults", FORM)
    here = f"/console/{browser.sandbox_id}/rules/lost"

    browser.go("/rules/lost", {"do": "off", "from": here})
    assert control.call("GET", "/-/rules/lost")["enabled"] is False
    browser.go("/rules/lost", {"do": "on", "from": here})
    assert control.call("GET", "/-/rules/lost")["enabled"] is True
    assert 'name="with.attempts_lost" value="3"' in browser.get("/faults?rule=lost")
    browser.go("/faults/halt", {"from": here})
    assert control.call("GET", "/-/rules/lost")["enabled"] is False
    browser.go("/rules/lost", {"do": "delete"})
    assert control.call("GET", "/-/rules") == {"rules": []}


def test_looking_at_every_page_changes_no_counter(browser: Browser, control: Control) -> None:
    browser.go("/faults", {**FORM, "fault": "transport.latency", "with.delay_ms": "1"})
    control.repay()
    before = control.call("GET", "/-/rules"), control.call("GET", "/-/answer-key")

    for path in ("/faults", "/faults?kind=cache.stale_set", "/rules/lost"):
        browser.get(path)

    assert (control.call("GET", "/-/rules"), control.call("GET", "/-/answer-key")) == before


def test_a_chinese_page_has_no_english_sentence(browser: Browser, control: Control) -> None:
    browser.go("/faults", FORM)
    control.repay()
    kinds = [f"/faults?kind={name}" for name in ("callback.dropped", "transport.latency", "cache.stale_set")]

    for path in ("/faults", "/rules/lost", *kinds):
        page = browser.get(path, Language.ZH)
        assert english_sentences(page) == [], path
    assert "回调通知丢失" in browser.get("/rules/lost", Language.ZH)


def test_rules_are_not_shown_while_the_truth_is_hidden(browser: Browser) -> None:
    browser.go("/faults", FORM)

    answer = browser.client.get(f"/console/{browser.sandbox_id}/faults?truth=hidden")

    assert answer.status_code == 303
    assert "callback.dropped" not in answer.text
    assert ">Faults" not in browser.get("/loans")


def test_why_a_rule_cannot_be_repeated_is_said_in_both_languages(browser: Browser, control: Control) -> None:
    control.call("PUT", "/-/rules/twice", {"fault": "callback.dropped", "select": {"times": 2}})

    english, chinese = (browser.get("/rules/twice", language) for language in Language)

    assert "times: counted over all entities" in seen(english)
    assert "times：对全部对象按到来的先后计数" in seen(chinese)
    assert english_sentences(chinese) == []
