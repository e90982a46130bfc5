"""The pages Faults and Rule: forms that arm what the API arms, errors by field, and why a rule acted or did not."""

from __future__ import annotations

import html
import re

import pytest

from mocklend.language import Language, is_translated
from mocklend.runtime import Platform
from mocklend.seams import SEAMS
from mocklend_faults.console.words import LIMIT_NAMES, SEAM_EVENTS, STATES
from mocklend_faults.engine.layer import FaultLayer
from mocklend_faults.engine.profiles import profiles
from mocklend_faults.engine.selection import LIMITS
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


STATIONS = ["World", "Channel", "Books", "Status page", "Credit report", "Score", "Lender"]
BROKEN_AFTER = {
    "world_to_channel": "World",
    "channel_to_books": "Channel",
    "channel_to_statement": "Channel",
    "people_to_books": "Channel",
    "end_of_day_to_books": "Channel",
    "books_to_page": "Books",
    "books_to_report": "Books",
    "report_to_score": "Credit report",
    "to_lender": "Credit report",
    "client": "Status page",
}
"""By edge: the last station that is still right."""


def test_the_chain_of_each_kind_is_broken_at_its_edge(browser: Browser, control: Control) -> None:
    for kind in control.call("GET", "/-/faults")["faults"]:
        page = browser.get(f"/faults?kind={kind['id']}")
        [chain] = re.findall(r'<ol class="stations".*?</ol>', page, re.DOTALL)
        right, _, behind = chain.partition('class="break')
        named = [seen(f"<body{station}") for station in re.findall(r"<li>.*?</li>", right)]

        assert named == STATIONS[: len(named)] or kind["edge"] in ("books_to_report", "report_to_score", "to_lender")
        assert named[-1] == BROKEN_AFTER[kind["edge"]], kind["id"]
        assert ", ".join(kind["seams"]) in behind
        assert behind.count('class="behind"') >= 1
        assert chain.count('class="dot"') == chain.count("<li")


def test_each_kind_says_what_each_party_sees_and_what_a_good_client_does(browser: Browser, control: Control) -> None:
    for kind in control.call("GET", "/-/faults")["faults"]:
        page = html.unescape(browser.get(f"/faults?kind={kind['id']}"))
        for text in (kind["story"], kind["action"], kind["precondition"], kind["heals"], *kind["symptom"].values()):
            assert text in page, (kind["id"], text)


def test_a_profile_replaces_another_and_leaves_the_rules_of_the_viewer(browser: Browser, control: Control) -> None:
    browser.go("/faults", FORM)

    page = browser.go("/faults/profile", {"name": "lessons"})
    assert control.call("GET", "/-/profile")["name"] == "lessons"
    assert "Profile: lessons" in page
    assert "callback-lost" in page
    browser.go("/faults/profile", {"name": "realistic"})
    rules = {rule["id"] for rule in control.call("GET", "/-/rules")["rules"]}
    assert "lost" in rules
    assert not [rule for rule in rules if rule.startswith("lessons.")]
    browser.go("/faults/profile", {"name": "none"})

    assert [rule["id"] for rule in control.call("GET", "/-/rules")["rules"]] == ["lost"]


def test_of_many_rules_twenty_are_shown_and_the_others_folded(browser: Browser, control: Control) -> None:
    browser.go("/faults/profile", {"name": "hostile"})
    rules = control.call("GET", "/-/rules")["rules"]

    page = browser.get("/faults")

    first, _, others = page.partition('<details class="folded">')
    assert f"{len(rules) - 20} more rules" in seen(page)
    assert f"{len(rules) - 5} more rules with a warning" in seen(page)
    assert first.count('class="switch"') == 20
    assert others.partition("</details>")[0].count('class="switch"') == len(rules) - 20


@pytest.mark.parametrize("language", list(Language))
def test_an_unknown_profile_is_an_error_of_its_field_and_changes_nothing(
    browser: Browser, control: Control, language: Language
) -> None:
    browser.go("/faults/profile", {"name": "lessons"}, language)

    answer = browser.post("/faults/profile", {"name": "realistc"}, language)

    assert answer.status_code == 404
    assert 'id="error-name"' in answer.text
    assert "<code>realistc</code>" in answer.text
    assert '<details class="menu" open>' in answer.text
    assert control.call("GET", "/-/profile")["name"] == "lessons"
    assert language is Language.EN or english_sentences(answer.text) == []


def test_every_profile_has_its_title_and_story_in_chinese() -> None:
    for profile in profiles().values():
        assert is_translated(Language.ZH, profile.title), profile.name
        assert is_translated(Language.ZH, profile.story), profile.name


def test_an_error_that_no_field_of_the_form_has_is_shown_too(browser: Browser, control: Control) -> None:
    control.call("PUT", "/-/rules/down", {"fault": "outage.full"})

    answer = browser.post("/faults", {"fault": "nothing.such", "id": "x" * 65, "select.probability": "1"})

    assert answer.status_code == 422
    assert 'id="error-id"' in answer.text


def test_the_first_wrong_field_has_the_focus(browser: Browser) -> None:
    page = browser.post("/faults", {**FORM, "select.probability": "2", "select.times": "0"}).text

    assert page.count(" autofocus") == 1
    assert re.search(r'name="select.probability"[^>]* autofocus', page)
    assert re.search(r"<details open>\s*<summary>Limits", page), "a wrong field is not folded away"


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
    answer = browser.post("/faults", {**FORM, "show": "curl"})

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
    assert "最多几次：对全部对象按到来的先后计数" in seen(chinese)
    assert english_sentences(chinese) == []


def test_every_seam_and_every_limit_has_words() -> None:
    assert set(SEAM_EVENTS) == set(SEAMS)
    assert {*LIMITS, "times_per"} == set(LIMIT_NAMES)
    assert {"armed", "waiting", "expired", "disabled", "unavailable"} == set(STATES)


def paid(control: Control, channel: str, times: int) -> str:
    """A loan with so many repayments through a channel. Returns its id."""
    ada = control.call("POST", "/v1/borrowers", {"reference": "ada", "name": "Ada"})["id"]
    terms = {"borrower_id": ada, "principal_minor": 1_000_000, "product_id": "jiebei-like"}
    loan = str(control.call("POST", "/v1/loans", terms)["id"])
    for _ in range(times):
        pay = {"amount_minor": 1_000, "channel": channel, "type": "OVD_AND_CURRENT"}
        control.call("POST", f"/v1/loans/{loan}/repayments", pay)
        control.call("POST", "/-/clock/advance", {"by": "PT1M"})
    return loan


def figures(page: str) -> dict[str, str]:
    """The funnel of a rule's page: what stands below each of its figures."""
    [funnel] = re.findall(r'<dl class="sheet four funnel">(.*?)</dl>', page, re.DOTALL)
    return {
        seen(f"<body{name}"): seen(f"<body{below}")
        for name, below in re.findall(r"<dt>(.*?)</dt>(.*?)</div>", funnel, re.DOTALL)
    }


def test_the_funnel_says_why_events_fell_out(browser: Browser, control: Control) -> None:
    body = {"fault": "callback.dropped", "match": {"channel": "wallet"}, "select": {"times": 2}}
    control.call("PUT", "/-/rules/two", body | {"with": {"attempts_lost": 1}})
    control.call("PUT", "/-/rules/none", body | {"select": {"probability": 0}})
    paid(control, "wallet", 3)
    paid(control, "bank_card", 2)
    rule = control.call("GET", "/-/rules/two")

    two, none = figures(browser.get("/rules/two")), figures(browser.get("/rules/none"))

    assert two["evaluated"] == f"{rule['evaluated']} callback attempts"
    assert "2 did not match" in two["matched"]
    assert "Channel Bank card quick-pay: 2" in two["matched"]
    assert f"At most so many times: {rule['matched'] - rule['selected']}" in two["selected"]
    assert two["injected"].startswith(f"{rule['injected']} ")
    assert f"not drawn: {rule['matched']}" in none["selected"]


def test_a_page_has_50_events_and_leads_to_the_older_ones_once_each(browser: Browser, control: Control) -> None:
    control.call(
        "PUT", "/-/rules/slow", {"fault": "transport.latency", "with": {"delay_ms": 1}, "select": {"every": 3}}
    )
    for _ in range(120):
        control.call("GET", "/v1/loans")
    last = control.n
    path, met, pages = "/rules/slow", [], 0

    while path:
        page = browser.get(path)
        met += re.findall(r">key-(\d+)</code> no", page)
        pages += 1
        links = re.findall(r'href="([^"]*before=\d+)"[^>]*>Next 50', page)
        path = html.unescape(links[0]) if links else ""

    assert pages == 3
    assert met == [str(n) for n in range(last, last - 120, -1)]
    injected = re.findall(r">key-(\d+)</code> no", browser.get("/rules/slow?outcome=injected"))
    assert injected == [str(n) for n in range(last, last - 120, -3)]
    assert browser.get("/rules/slow?before=" + "9" * 30)
    assert browser.get("/rules/slow?before=x&outcome=x").count("no. ") == 50


def test_an_injected_event_says_what_was_changed_and_leads_to_its_entry(browser: Browser, control: Control) -> None:
    browser.go("/faults", {**FORM, "select.probability": "1"})
    control.repay()
    [entry] = control.call("GET", "/-/answer-key")["entries"]

    page = browser.get("/rules/lost")

    assert html.escape(entry["effect"]) in page
    assert f"/key?rule=lost#{entry['injection']}" in page
    assert entry["injection"] in browser.get("/key?rule=lost")


def test_the_draws_are_dots_on_both_sides_of_the_threshold(browser: Browser, control: Control) -> None:
    control.call(
        "PUT", "/-/rules/half", {"fault": "transport.latency", "with": {"delay_ms": 1}, "select": {"probability": 0.5}}
    )
    for _ in range(40):
        control.call("GET", "/v1/loans")
    rule = control.call("GET", "/-/rules/half")

    page = browser.get("/rules/half")

    dots = [
        (float(x), bool(hit)) for x, hit in re.findall(r'<circle cx="([\d.]+)"[^>]*?( class="hit")?></circle>', page)
    ]
    assert len(dots) == rule["matched"] == 40
    assert all((x < 300) == hit for x, hit in dots)
    assert sum(hit for _, hit in dots) == rule["injected"]
    assert '<line class="threshold" x1="300.0"' in page


def test_a_rule_names_the_other_rules_that_change_the_story(browser: Browser, control: Control) -> None:
    browser.go("/faults", FORM)
    control.call("PUT", "/-/rules/counts", {"fault": "outage.full", "select": {"times": 3}})

    page = seen(browser.get("/rules/lost").replace("<code>", "").replace("</code>", ""))

    assert "Alone: exact." in page
    assert "With the other rules: order-dependent." in page
    assert "rule counts is order" in page


def test_after_a_restart_the_counters_stay_and_the_reasons_say_what_they_are_of(
    browser: Browser, control: Control, served: Platform
) -> None:
    browser.go("/faults", FORM)
    control.repay()
    browser.get("/rules/lost")
    assert isinstance(served.layer, FaultLayer)
    served.layer.trail.forget(browser.sandbox_id)

    page = browser.get("/rules/lost")

    assert "The reasons are those of the newest 0 events" in seen(page)
    assert "No such event is in memory." in page
