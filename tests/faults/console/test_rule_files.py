"""Rules as JSON: what is exported can be imported; what is imported is armed as a whole, or not at all."""

from __future__ import annotations

import io
import json
import re

import pytest

from mocklend.language import Language
from mocklend.received import BODY_MAX
from support.console import Browser, english_sentences, seen
from support.console_control import Control

RULES: list[dict[str, object]] = [
    {"id": "lost", "fault": "callback.dropped", "select": {"probability": 0.1, "times": 3}, "enabled": False},
    {
        "id": "slow",
        "fault": "cache.bounded_stale",
        "match": {"reference": {"matches": "lesson.*"}},
        "activate": {"ramp": {"from": 0, "over_s": 60}},
        "with": {"lag_s": 5},
        "expect": {"severity": "minor"},
    },
]


def exported(browser: Browser) -> str:
    """The file that the page Faults offers."""
    answer = browser.client.get(f"/console/{browser.sandbox_id}/faults/rules.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="rules.json"'
    return answer.text


@pytest.mark.parametrize("form", ["list", "object", "one rule", "as GET /-/rules has them"])
def test_rules_are_armed_from_each_form_of_json(browser: Browser, control: Control, form: str) -> None:
    control.call("POST", "/-/rules", {"rules": RULES})
    armed = control.call("GET", "/-/rules")
    typed = {"list": RULES, "object": {"rules": RULES}, "one rule": RULES[0], "as GET /-/rules has them": armed}
    for rule in armed["rules"]:
        control.call("DELETE", f"/-/rules/{rule['id']}")

    browser.go("/faults/import", {"rules": json.dumps(typed[form])})

    expected = armed["rules"][:1] if form == "one rule" else armed["rules"]
    assert [rule | {"lint": None} for rule in control.call("GET", "/-/rules")["rules"]] == [
        rule | {"lint": None} for rule in expected
    ]


def test_what_is_exported_is_armed_again_by_import_and_by_the_api(browser: Browser, control: Control) -> None:
    control.call("POST", "/-/rules", {"rules": RULES})
    before, file = control.call("GET", "/-/rules"), exported(browser)
    assert json.loads(file) == control.call("GET", "/-/rules") | {"rules": json.loads(file)["rules"]}

    for again in (
        lambda: browser.go("/faults/import", {"rules": file}),
        lambda: control.call("POST", "/-/rules", json.loads(file)),
    ):
        for rule in before["rules"]:
            control.call("DELETE", f"/-/rules/{rule['id']}")
        again()
        assert control.call("GET", "/-/rules") == before


def test_a_file_is_uploaded(browser: Browser, control: Control) -> None:
    form = {"rules": "", "file": (io.BytesIO(json.dumps(RULES).encode()), "rules.json")}

    answer = browser.client.post(f"/console/{browser.sandbox_id}/faults/import", data=form)

    assert answer.status_code == 303
    assert [rule["id"] for rule in control.call("GET", "/-/rules")["rules"]] == ["lost", "slow"]


WRONG = {
    "rules.0.select.probability": [{"id": "a", "fault": "callback.dropped", "select": {"probability": 1.4}}],
    "rules.1.fault": [RULES[0], {"id": "b", "fault": "callback.droped"}],
    "rules.1.id": [RULES[0], RULES[0]],
    "rules.0.id": [{"fault": "callback.dropped"}],
    "rules.1.with.lag_s": [RULES[0], RULES[1] | {"with": {"lag_s": 0}}],
    "rules.0.match.colour": [{"id": "a", "fault": "callback.dropped", "match": {"colour": "red"}}],
    "rules.0.armed": [{"id": "a", "fault": "callback.dropped", "armed": True}],
    "rules": {"rules": []},
    "rules.0": [7],
}


@pytest.mark.parametrize("field", WRONG)
@pytest.mark.parametrize("language", list(Language))
def test_each_error_names_its_field_the_input_is_kept_and_nothing_is_armed(
    browser: Browser, control: Control, field: str, language: Language
) -> None:
    typed = json.dumps(WRONG[field])

    answer = browser.post("/faults/import", {"rules": typed}, language)

    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text
    assert 'aria-invalid="true" aria-describedby="errors-of-rules" autofocus' in answer.text
    assert json.dumps(json.loads(typed)).replace('"', "&#34;") in answer.text
    assert control.call("GET", "/-/rules") == {"rules": []}
    assert language is Language.EN or english_sentences(re.sub("<textarea.*?</textarea>", "", answer.text)) == []


def test_every_wrong_field_of_every_rule_is_listed_at_once(browser: Browser) -> None:
    rules = [
        {"id": "A B", "fault": "callback.dropped", "select": {"probability": 2, "times": 0}},
        {"id": "b", "fault": "cache.bounded_stale", "select": {"unit": "week"}},
    ]

    page = browser.post("/faults/import", {"rules": json.dumps(rules)}).text

    listed = set(re.findall(r'<li class="error" id="error-([^"]+)"', page))
    assert {
        "rules.0.id",
        "rules.0.select.probability",
        "rules.0.select.times",
        "rules.1.select.unit",
    } == listed


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "{",
        "[",
        "null",
        "7",
        '"x"',
        "[" * 5_000,
        '{"rules": 1}',
        "NaN",
        '[{"id": "\\ud800"}]',
        "9" * 5_000,
    ],
)
def test_what_is_no_json_or_no_rules_is_explained(browser: Browser, control: Control, typed: str) -> None:
    answer = browser.post("/faults/import", {"rules": typed})

    assert answer.status_code in (400, 413, 422), answer.text[:500]
    assert '<li class="error"' in answer.text
    assert control.call("GET", "/-/rules") == {"rules": []}


def test_too_many_rules_are_refused_and_those_that_are_armed_stay(browser: Browser, control: Control) -> None:
    browser.go("/faults/import", {"rules": json.dumps(RULES)})
    many = [{"id": f"r{n}", "fault": "outage.full"} for n in range(199)]

    answer = browser.post("/faults/import", {"rules": json.dumps(many)})

    assert answer.status_code == 409
    assert "at most 200" in answer.text
    assert [rule["id"] for rule in control.call("GET", "/-/rules")["rules"]] == ["lost", "slow"]


def test_a_rule_that_the_form_cannot_say_is_changed_as_json(browser: Browser, control: Control) -> None:
    control.call("POST", "/-/rules", {"rules": RULES})

    led_to = browser.client.get(f"/console/{browser.sandbox_id}/faults?rule=slow")

    assert led_to.location.endswith("/faults/import?rule=slow")
    page = browser.get("/faults/import?rule=slow")
    assert "lesson.*" in page
    assert "callback.dropped" not in page.partition("<textarea")[2].partition("</textarea>")[0]


def test_a_chinese_page_has_no_english_sentence(browser: Browser) -> None:
    page = browser.get("/faults/import", Language.ZH)

    assert english_sentences(page) == []
    assert "导入规则" in page


def test_an_import_takes_what_the_api_takes_and_keeps_what_is_longer(browser: Browser, control: Control) -> None:
    rules = json.dumps(RULES)
    longest, longer = rules + " " * (BODY_MAX - len(rules)), rules + " " * (BODY_MAX + 1 - len(rules))
    file = io.BytesIO(longest.encode())
    address = f"/console/{browser.sandbox_id}/faults/import"

    refused = browser.client.post(address, data={"rules": longer}, content_type="multipart/form-data")
    armed = browser.client.post(address, data={"rules": longest, "file": (file, "rules.json")})

    assert refused.status_code == 413
    assert str(BODY_MAX) in seen(refused.text)
    assert "callback.dropped" in refused.text, "what was typed is still there"
    assert armed.status_code == 303
    assert len(control.call("GET", "/-/rules")["rules"]) == len(RULES)
