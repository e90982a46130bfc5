"""The fault layer over HTTP, on a real platform: arm, see the wrong answer, read the answer key."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings
from mocklend.runtime import Platform
from mocklend_faults.engine import FaultLayer
from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.rules import A_RULE_ID
from support.layer_harness import LayerHarness

LAG = "cache.bounded_stale"
MONDAY = "2026-01-05T02:00:00Z"


class Control:
    """A client of one sandbox with a manual clock."""

    def __init__(self, http: FlaskClient) -> None:
        self.http = http
        response = http.post("/-/sandboxes", json={"seed": 7, "clock": {"mode": "manual", "now": MONDAY}})
        self.headers = {"Authorization": f"Bearer {response.get_json()['api_key']}"}
        self.keys = 0

    def call(self, method: str, path: str, body: object = None, *, status: int = 200) -> Doc:
        self.keys += 1
        headers = self.headers | {"Idempotency-Key": f"key-{self.keys}"}
        response = self.http.open(path, method=method, json=body, headers=headers)
        assert response.status_code == status, response.get_data(as_text=True)
        answer: Doc = response.get_json() if response.data else {}
        return answer

    def borrow(self) -> str:
        ada = {"reference": "ada", "name": "Ada"}
        borrower = self.call("POST", "/v1/borrowers", ada, status=201)["id"]
        terms = {"borrower_id": borrower, "principal_minor": 100_000, "product_id": "jiebei-like"}
        return str(self.call("POST", "/v1/loans", terms, status=201)["id"])

    def settle(self, loan: str) -> str:
        quote = self.call("POST", f"/v1/loans/{loan}/quotes", {"type": "CLEAR"}, status=201)
        pay = {"amount_minor": quote["total_minor"], "channel": "wallet", "type": "CLEAR", "quote_id": quote["id"]}
        repayment = self.call("POST", f"/v1/loans/{loan}/repayments", pay, status=202)["id"]
        self.advance("PT2S")
        return str(repayment)

    def advance(self, by: str) -> None:
        self.call("POST", "/-/clock/advance", {"by": by})


@pytest.fixture
def control(harness: LayerHarness, open_platform: Callable[..., Platform]) -> Iterator[Control]:
    settings = Settings(database="unused", default_seed=7)
    app = create_app(settings, open_platform(FaultLayer(harness.layer.catalogue.values())))
    with app.test_client() as http:
        yield Control(http)


def test_the_list_of_faults_has_their_stories_and_settings(control: Control, harness: LayerHarness) -> None:
    faults = control.call("GET", "/-/faults")["faults"]

    assert [fault["id"] for fault in faults] == sorted(installed())
    [stale] = [fault for fault in faults if fault["id"] == LAG]
    assert stale["seams"] == ["view.refresh"]
    assert stale["story"].startswith("The status page is served from a cache")
    assert {"precondition", "symptom", "heals", "action"} <= stale.keys()


def test_a_rule_is_put_read_patched_and_deleted(control: Control) -> None:
    path = "/-/rules/lag"
    rule = {"fault": LAG, "match": {"channel": "wallet"}, "select": {"probability": 0.1}, "with": {"lag_s": 5}}

    answer = control.call("PUT", path, rule, status=201)

    assert answer == {
        "id": "lag",
        "fault": LAG,
        "match": {"channel": {"equal_to": "wallet"}},
        "activate": {"start_delay_s": 0},
        "select": {"probability": 0.1, "unit": "occurrence"},
        "with": {"lag_s": 5},
        "expect": {},
        "enabled": True,
        "armed_at": "2026-01-05T02:00:00.000Z",
        "state": "armed",
        "evaluated": 0,
        "matched": 0,
        "selected": 0,
        "injected": 0,
        "lint": {"verdict": "exact", "alone": "exact", "reasons": [], "sentences": [], "warnings": []},
    }
    assert control.call("PUT", path, rule) == control.call("GET", path) == answer
    assert control.call("GET", "/-/rules") == {"rules": [answer]}
    assert control.call("PATCH", path, {"enabled": False})["state"] == "disabled"
    control.call("DELETE", path, status=204)
    assert control.call("GET", path, status=404)["code"] == "rule_unknown"


def test_sections_may_be_null_and_a_null_setting_is_kept(control: Control) -> None:
    rule = {"fault": "callback.dropped", "match": None, "with": {"attempts_lost": None}}

    assert control.call("PUT", "/-/rules/drop", rule, status=201)["with"] == {"attempts_lost": None}


def test_a_settled_loan_shows_as_unpaid_and_the_audit_explains_it(control: Control) -> None:
    loan = control.borrow()
    control.call("PUT", "/-/rules/lag", {"fault": LAG}, status=201)
    control.settle(loan)

    assert control.call("GET", f"/v1/loans/{loan}")["status"] == "USING"
    assert control.call("GET", f"/operator/loans/{loan}")["status"] == "CLEAR"
    [entry] = control.call("GET", f"/-/answer-key?loan_id={loan}&status=active")["entries"]
    audit = control.call("GET", "/-/audit")
    assert [discrepancy["explained_by"] for discrepancy in audit["discrepancies"]] == [entry["injection"]]
    assert audit["unobserved"] == []
    assert control.call("GET", "/-/rules/lag")["injected"] == 1

    control.advance("PT1M")

    assert control.call("GET", f"/v1/loans/{loan}")["status"] == "CLEAR"
    assert control.call("GET", "/-/answer-key?status=active")["entries"] == []
    assert control.call("GET", "/-/audit")["clean"]


def test_one_request_halts_all_rules(control: Control) -> None:
    control.call("PUT", "/-/rules/lag", {"fault": LAG}, status=201)
    control.call("PUT", "/-/rules/drop", {"fault": "callback.dropped"}, status=201)

    assert control.call("POST", "/-/rules/halt", {}) == {"halted": ["drop", "lag"]}

    loan = control.borrow()
    control.settle(loan)
    assert control.call("GET", f"/v1/loans/{loan}")["status"] == "CLEAR"
    assert control.call("GET", "/-/answer-key")["entries"] == []


def test_a_reset_sandbox_has_no_rules_and_no_entries(control: Control) -> None:
    loan = control.borrow()
    control.call("PUT", "/-/rules/lag", {"fault": LAG}, status=201)
    control.settle(loan)

    control.call("POST", "/-/reset")

    assert control.call("GET", "/-/rules") == {"rules": []}
    assert control.call("GET", "/-/answer-key")["entries"] == []
    control.settle(control.borrow())
    assert control.call("GET", "/-/audit")["clean"]


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        ({"fault": "cashe_lag"}, "fault_unknown", 422),
        ({}, "validation_failed", 422),
        ({"fault": 5}, "validation_failed", 422),
        ({"fault": LAG, "when": "now"}, "validation_failed", 422),
        ({"fault": LAG, "enabled": 1}, "validation_failed", 422),
        ({"fault": LAG, "match": []}, "validation_failed", 422),
        ({"fault": LAG, "match": {"chanel": "wallet"}}, "validation_failed", 422),
        ({"fault": LAG, "with": {"lag_s": 2**63}}, "validation_failed", 422),
        ({"fault": LAG, "with": {"lag_s": True}}, "validation_failed", 422),
        ({"fault": LAG, "select": {"probability": 10**400}}, "validation_failed", 422),
        ({"fault": LAG, "select": {"times": "\ud800"}}, "text_not_storable", 400),
        ([1], "validation_failed", 422),
    ],
)
def test_an_invalid_rule_is_refused_with_a_clear_problem(
    control: Control, body: object, code: str, status: int
) -> None:
    problem = control.call("PUT", "/-/rules/lag", body, status=status)

    assert problem["code"] == code
    assert control.call("GET", "/-/rules") == {"rules": []}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/-/rules/UPPER", {"fault": LAG}, 422),
        ("PATCH", "/-/rules/lag", {"enabled": True}, 404),
        ("PATCH", "/-/rules/lag", {"enabled": "yes"}, 422),
        ("PATCH", "/-/rules/lag", {}, 422),
        ("DELETE", "/-/rules/lag", None, 404),
        ("GET", "/-/rules/%00", None, 404),
        ("GET", "/-/answer-key?status=lied", None, 422),
        ("GET", "/-/explain", None, 422),
        ("GET", "/-/explain?request_id=%00", None, 422),
        ("GET", "/-/explain?request_id=", None, 422),
        ("GET", "/-/explain?request=req_1", None, 422),
        ("GET", "/-/answer-key?entity=%00", None, 422),
        ("GET", "/-/answer-key?loan=x", None, 422),
    ],
)
def test_an_invalid_request_is_refused_with_a_clear_problem(
    control: Control, method: str, path: str, body: object, status: int
) -> None:
    assert control.call(method, path, body, status=status)["code"] != "internal_error"


def test_explain_says_of_each_rule_why_it_acted_on_a_loan_or_did_not(control: Control) -> None:
    loan = control.borrow()
    control.call("PUT", "/-/rules/lag", {"fault": LAG, "match": {"cause": "receipt"}}, status=201)
    control.call("PUT", "/-/rules/slip", {"fault": "operator.wrong_amount"}, status=201)
    control.call("PUT", "/-/rules/drop", {"fault": "callback.dropped", "select": {"probability": 0}}, status=201)
    repayment = control.settle(loan)

    explanation = control.call("GET", f"/-/explain?loan_id={loan}")

    drop, lag, slip = explanation["rules"]
    assert [event["outcome"] for event in lag["events"]][-1] == "injected"
    assert [event["outcome"] for event in drop["events"]] == ["not_drawn"]
    assert slip["why"] == "no event in memory is at operator.edit"
    assert control.call("GET", f"/-/explain?entity={repayment}")["events_known"] > 0
    assert control.call("GET", "/-/explain?entity=loan_nobody")["events_known"] == 0
    assert control.call("GET", "/-/explain", status=422)["errors"][0]["field"] == "entity"


def test_explain_leaves_the_newest_events_of_a_rule_with_an_outcome(control: Control) -> None:
    loan = control.borrow()
    control.call("PUT", "/-/rules/lag", {"fault": LAG, "match": {"cause": "receipt"}}, status=201)
    control.call("PUT", "/-/rules/drop", {"fault": "callback.dropped", "select": {"probability": 0}}, status=201)
    control.settle(loan)

    [all_events] = control.call("GET", "/-/explain?rule=lag")["rules"]
    [injected] = control.call("GET", "/-/explain?rule=lag&outcome=injected&limit=1")["rules"]
    none = control.call("GET", "/-/explain?rule=drop&outcome=injected")["rules"][0]

    assert all_events["events"][-1]["outcome"] == "injected"
    assert injected["events"] == [event for event in all_events["events"] if event["outcome"] == "injected"][-1:]
    assert none["why"] == "no event in memory is at callback.attempt with the outcome injected"
    assert control.call("GET", "/-/explain?rule=nobody", status=404)["code"] == "rule_unknown"
    for wrong in ("outcome=happy", "limit=0", "limit=5001"):
        control.call("GET", f"/-/explain?rule=lag&{wrong}", status=422)


def test_the_answer_key_is_filtered_by_rule_and_fault_and_paged_newest_first(control: Control) -> None:
    control.call("PUT", "/-/rules/lag", {"fault": LAG}, status=201)
    control.call("PUT", "/-/rules/mark", {"fault": "operator.wrong_amount"}, status=201)
    loan = control.borrow()
    edit = {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": 1_234, "operator": "olaf", "memo": "a fee"}
    control.call("POST", f"/operator/loans/{loan}/edits", edit, status=201)
    control.settle(loan)

    whole = control.call("GET", "/-/answer-key?rule=lag")["entries"]
    first = control.call("GET", "/-/answer-key?rule=lag&order=newest&limit=1")
    second = control.call("GET", f"/-/answer-key?rule=lag&order=newest&limit=1&cursor={first['next_cursor']}")

    assert {entry["rule"] for entry in whole} == {"lag"}
    assert len(whole) >= 2
    assert first["entries"] + second["entries"] == whole[::-1][:2]
    typed = control.call("GET", "/-/answer-key?fault=operator.wrong_amount")["entries"]
    assert {entry["rule"] for entry in typed} == {"mark"}
    assert control.call("GET", "/-/answer-key?format=jsonl&order=newest", status=422)["errors"][0]["field"] == "order"


def test_the_kinds_of_fault_are_described_in_the_language_that_is_asked_for(control: Control) -> None:
    english = control.http.get("/-/faults/callback.dropped")
    chinese = control.http.get("/-/faults/callback.dropped", headers={"Accept-Language": "zh-CN,en;q=0.5"})

    assert (english.get_json()["title"], english.headers["Content-Language"]) == ("A callback is lost", "en")
    assert (chinese.get_json()["title"], chinese.headers["Content-Language"]) == ("回调通知丢失", "zh-CN")
    assert english.headers["Vary"] == chinese.headers["Vary"] == "Accept-Language"
    assert chinese.get_json()["schema"]["properties"]["attempts_lost"]["title"] == "丢失次数"
    everything = control.http.get("/-/faults", headers={"Accept-Language": "zh"}).get_json()["faults"]
    assert chinese.get_json() in everything
    unknown = control.http.get("/-/faults/callback.droped")
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "fault_not_installed")
    assert "did you mean 'callback.dropped'?" in unknown.get_json()["detail"]


def test_a_reset_deletes_the_explanations_of_the_story_before_it(control: Control) -> None:
    loan = control.borrow()
    control.call("PUT", "/-/rules/lag", {"fault": LAG}, status=201)
    control.settle(loan)
    control.call("POST", "/-/reset", {})
    control.keys = 0
    assert control.borrow() == loan

    control.call("PUT", "/-/rules/lag", {"fault": LAG}, status=201)

    assert control.call("GET", f"/-/explain?loan_id={loan}")["events_known"] == 0


def test_a_profile_is_switched_on_and_off(control: Control) -> None:
    assert control.call("GET", "/-/profile") == {"name": "none", "rules": []}
    listed = {profile["name"]: profile["rules"] for profile in control.call("GET", "/-/profiles")["profiles"]}

    on = control.call("PUT", "/-/profile", {"name": "hostile"})

    assert control.call("GET", "/-/profile") == on
    assert on["rules"] == [rule["id"] for rule in listed["hostile"]]
    assert [rule["id"] for rule in control.call("GET", "/-/rules")["rules"]] == on["rules"]
    assert control.call("POST", "/-/rules/halt")["halted"] == on["rules"]
    assert control.call("PUT", "/-/profile", {"name": "hostile"}) == on
    assert {rule["state"] for rule in control.call("GET", "/-/rules")["rules"]} == {"armed"}
    assert control.call("PUT", "/-/profile", {"name": "none"})["rules"] == []
    assert control.call("GET", "/-/rules")["rules"] == []
    assert control.call("PUT", "/-/profile", {"name": "nice"}, status=404)["code"] == "profile_unknown"


@pytest.mark.parametrize(("amount", "lost"), [(60_001, True), (60_002, True), (60_005, False)])
def test_in_profile_lesson_the_amount_selects_the_fault(control: Control, amount: int, lost: bool) -> None:
    control.call("PUT", "/-/profile", {"name": "lessons"})
    loan = control.borrow()

    pay = {"amount_minor": amount, "channel": "wallet", "type": "CLEAR"}
    repayment = control.call("POST", f"/v1/loans/{loan}/repayments", pay, status=202)["id"]
    control.advance("PT2S")

    missing = [entry["expected"]["entity"] for entry in control.call("GET", "/-/answer-key?status=active")["entries"]]
    assert missing == ([repayment] if lost else [])


def test_in_profile_lesson_the_reference_sets_the_lag(control: Control) -> None:
    control.call("PUT", "/-/profile", {"name": "lessons"})
    ada = control.call("POST", "/v1/borrowers", {"reference": "ada", "name": "Ada"}, status=201)["id"]
    terms = {
        "borrower_id": ada,
        "principal_minor": 100_000,
        "product_id": "jiebei-like",
        "reference": "lesson-stale-60-a",
    }
    loan = control.call("POST", "/v1/loans", terms, status=201)["id"]

    control.advance("PT2S")
    control.settle(loan)
    behind = control.call("GET", f"/v1/loans/{loan}")["status"]
    control.advance("PT1M")

    assert behind != "CLEAR"
    assert control.call("GET", f"/v1/loans/{loan}")["status"] == "CLEAR"


def test_an_experiment_is_put_read_and_deleted(control: Control) -> None:
    path = "/-/experiments/rain"
    plan = {
        "stages": [
            {"name": "calm", "duration_s": 60},
            {"name": "storm", "duration_s": 60, "rules": {"lag": {"fault": LAG}}},
        ]
    }

    answer = control.call("PUT", path, plan, status=201)
    control.advance("PT1M")
    loan = control.borrow()
    control.settle(loan)

    assert answer["running"] == "calm"
    assert control.call("PUT", path, plan)["running"] == "storm"
    assert control.call("GET", "/-/experiments")["experiments"] == [control.call("GET", path)]
    assert control.call("GET", f"/v1/loans/{loan}")["status"] == "USING"
    assert {entry["rule"] for entry in control.call("GET", "/-/answer-key")["entries"]} == {"rain.storm.lag"}
    assert control.call("GET", "/-/rules/rain.storm.lag")["state"] == "armed"
    control.call("DELETE", path, status=204)
    assert control.call("GET", "/-/rules")["rules"] == []
    assert control.call("GET", path, status=404)["code"] == "experiment_unknown"
    assert control.call("DELETE", path, status=404)["code"] == "experiment_unknown"
    assert control.call("PUT", path, {"stages": [{"name": "a"}]}, status=422)["code"] == "validation_failed"


def test_the_skipped_count_of_a_rule_is_readable_at_once_and_survives_a_restart(
    control: Control, harness: LayerHarness, open_platform: Callable[..., Platform]
) -> None:
    """It is kept in memory for a while; who asks has it written, and so does a platform that stops."""
    loan = control.borrow()
    control.call("PUT", "/-/rules/down", {"fault": "transport.latency", "match": {"entity": "nobody"}}, status=201)
    for _ in range(3):
        control.call("GET", f"/v1/loans/{loan}")
    evaluated = control.call("GET", "/-/rules/down")["evaluated"]
    control.call("GET", f"/v1/loans/{loan}")
    control.http.application.extensions["mocklend"].platform.close()

    again = create_app(Settings(database="unused"), open_platform(FaultLayer(harness.layer.catalogue.values())))
    with again.test_client() as http:
        after = http.get("/-/rules/down", headers=control.headers).get_json()["evaluated"]

    assert (evaluated, after) == (3, 4)


def test_several_rules_are_armed_together_and_none_if_one_is_wrong(control: Control) -> None:
    lag, drop = {"id": "lag", "fault": LAG, "with": {"lag_s": 60}}, {"id": "drop", "fault": "callback.dropped"}
    control.call("PUT", "/-/rules/lag", {"fault": LAG, "with": {"lag_s": 60}}, status=201)
    before = control.call("GET", "/-/rules/lag")
    control.advance("PT1M")

    wrong = control.call("POST", "/-/rules", {"rules": [drop, lag | {"with": {"lag_s": 0}}]}, status=422)
    assert [error["field"] for error in wrong["errors"]] == ["rules.1.with.lag_s"]
    assert control.call("GET", "/-/rules") == {"rules": [before]}
    for id in ("<script>", "a/b"):
        unnamed = control.call("POST", "/-/rules", {"rules": [drop | {"id": id}]}, status=422)
        assert unnamed["errors"] == [{"field": "rules.0.id", "expected": A_RULE_ID, "received": id}]
    armed = control.call("POST", "/-/rules", {"rules": [drop, lag]})

    assert [rule["id"] for rule in armed["rules"]] == ["drop", "lag"]
    assert armed["rules"][1]["armed_at"] == before["armed_at"], "it was armed already"
    assert control.call("GET", "/-/rules") == armed
