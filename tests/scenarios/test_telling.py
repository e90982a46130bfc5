"""Running scenarios: every shipped one meets its expectations, and a false expectation ends it."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import entry_points

import pytest
import yaml

from mocklend.client import Doc
from mocklend.demo import SCENARIOS as DEMO
from mocklend.scenarios.narrator import NotAsTold
from mocklend.scenarios.steps import filled
from mocklend.scenarios.telling import run
from mocklend.scenarios.text import GROUP, Scenario, read, scenarios

pytestmark = pytest.mark.skipif(
    not entry_points(group=GROUP), reason="scenarios are found by entry point: install mocklend first"
)

SHIPPED = scenarios()
ISSUE = {
    "settled-shown-unpaid",
    "double-deduction",
    "acknowledged-not-applied",
    "month-end-outage",
    "double-entry-late-callback",
    "stale-cache-lost-invalidation",
    "bureau-correction-not-sent",
    "one-second-late",
}


def run_and_report(scenario: Scenario) -> tuple[int, Doc]:
    """The exit code of a telling, and its facts."""
    out = io.StringIO()
    code = run(scenario, as_json=True, out=out)
    return code, json.loads(out.getvalue())


@pytest.mark.parametrize("path", ["@evil.example/v1", "//evil.example/v1", "http://evil.example/v1"])
def test_a_step_cannot_send_the_api_key_to_another_host(path: str) -> None:
    text = f"""
name: elsewhere
title: Elsewhere
story: A step asks another host.
seed: 7
starts: 2026-01-05T02:00:00Z
chapters:
  - {{title: a, story: a, steps: [{{do: request, with: {{method: GET, path: "{path}"}}}}]}}
"""

    code, facts = run_and_report(read(text, "elsewhere.yaml"))

    assert code == 1
    assert "not a path of the server" in json.dumps(facts)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_scenario_that_ships_runs_as_it_says_and_ends_clean(name: str) -> None:
    code, facts = run_and_report(SHIPPED[name])

    assert (code, facts["as_told"]) == (0, True), facts.get("surprise")
    assert facts["audit"]["clean"]
    claims = [claim["claim"] for scene in facts["scenes"] for claim in scene["claims"]]
    assert claims
    assert [claim for claim in claims if "['" in claim] == [], "a list is written in words"
    assert bool(facts["answer_key"]) == any(chapter.get("rules") for chapter in SHIPPED[name].chapters)
    assert all(entry["status"] != "active" for entry in facts["answer_key"])
    scores_as_it_should(facts["scores"], simple=name in DEMO)


def scores_as_it_should(scores: Doc, *, simple: bool) -> None:
    """The thorough one finds all and nothing else; the naive one finds less, or finds it much later.

    One loan with one lie is so simple a story that the naive one may find it too, and that every guess is a good one.
    """
    thorough, naive, empty, all_loans = (scores[name] for name in ("thorough", "naive", "empty", "all loans"))
    if not thorough["counts.demanded"]:
        assert {score["recall"] for score in scores.values()} == {None}
        assert (thorough["verdict"], empty["verdict"], all_loans["verdict"]) == ("INCONCLUSIVE", "INCONCLUSIVE", "FAIL")
        return
    assert (thorough["verdict"], thorough["precision"], thorough["recall"]) == ("PASS", 1, 1)
    assert (empty["verdict"], empty["precision"], empty["recall"]) == ("FAIL", 0, 0)
    if simple:
        return
    assert naive["recall"] <= 0.5 or naive["time_to_detect_s.p50"] >= 100 * thorough["time_to_detect_s.p50"]
    assert all_loans["verdict"] == "FAIL"
    assert all_loans["precision"] < 0.1


def test_the_best_known_stories_ship() -> None:
    assert set(SHIPPED) >= ISSUE


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_scenario_has_the_findings_and_scores_of_each_reconciler(name: str) -> None:
    scenario = SHIPPED[name]

    assert set(scenario.expected_score) == {"naive", "thorough"}
    assert sum("thorough" in chapter.get("reconcile", {}) for chapter in scenario.chapters) >= 2
    assert not scenario.open_end


@pytest.mark.parametrize("name", ["acknowledged-not-applied", pytest.param("month-end-outage", marks=pytest.mark.long)])
def test_a_score_that_is_not_the_reconcilers_ends_the_story(name: str) -> None:
    wrong = {**SHIPPED[name].expected_score, "thorough": {"precision": 0.123, "recall": 1}}

    code, facts = run_and_report(replace(SHIPPED[name], expected_score=wrong))

    assert code == 1
    assert facts["surprise"].startswith("thorough: precision 0.123, recall 1")


def _expect(chapters: list[Doc]) -> str:
    [claim, *_] = [step["expect"] for step in chapters[-1]["steps"] if "expect" in step]
    claim[next(iter(claim))] = "WRONG"
    return "expected 'WRONG'"


def _lies(chapters: list[Doc]) -> str:
    chapters[-1]["lies"] = 3
    return "open lies: 3"


def _reconcile(chapters: list[Doc]) -> str:
    chapters[-1]["reconcile"]["thorough"] = [{"class": "stale_view", "entity": "loan_x"}]
    return "thorough finds stale_view on loan_x"


def _fails(chapters: list[Doc]) -> str:
    chapters[-1]["steps"][-1]["fails"] = "loan_unknown"
    return "fails: loan_unknown"


@pytest.mark.parametrize("falsify", [_expect, _lies, _reconcile, _fails])
@pytest.mark.parametrize(
    "name", [pytest.param("double-deduction", marks=pytest.mark.long), "stale-cache-lost-invalidation"]
)
def test_a_false_claim_of_any_kind_ends_the_story(name: str, falsify: Callable[[list[Doc]], str]) -> None:
    chapters = [dict(chapter) for chapter in copy.deepcopy(SHIPPED[name].chapters)]
    message = falsify(chapters)

    code, facts = run_and_report(replace(SHIPPED[name], chapters=tuple(chapters)))

    assert (code, facts["as_told"]) == (1, False)
    assert message in facts["surprise"]


SHORT = """
name: short
title: A short story
story: Ada becomes a borrower.
seed: 7
starts: "2026-01-05T02:00:00Z"
chapters:
  - title: Ada
    story: She says who she is.
    steps:
      - {who: Ada, do: add_borrower, with: {reference: ada, name: Ada}, as: ada, expect: {name: Ada}}
"""


def short(*steps: Doc, **changes: object) -> Scenario:
    """The short story, with more steps."""
    raw = yaml.safe_load(SHORT)
    raw["chapters"][0]["steps"] += steps
    return read(yaml.safe_dump({**raw, **changes}), "short.yaml")


def test_a_step_may_be_refused_and_its_problem_is_an_answer() -> None:
    step = {"do": "loan", "with": {"loan_id": "loan_x"}, "fails": "loan_unknown", "expect": {"status": 404}}

    assert run_and_report(short(step))[0] == 0


def test_an_expectation_may_be_of_an_earlier_answer() -> None:
    step = {"do": "borrower", "with": {"borrower_id": "$ada.id"}, "expect": {"$ada.name": "Ada", "name": "Ada"}}

    code, facts = run_and_report(short(step))

    assert code == 0
    assert [claim["claim"] for claim in facts["scenes"][0]["claims"]][1:3] == ["$ada.name is Ada", "name is Ada"]


@pytest.mark.parametrize(("name", "code"), [("Ada", 0), ("Bob", 1)])
def test_an_expectation_is_reported_in_one_sentence(name: str, code: int) -> None:
    expected = {"$ada.name": "Ada", "name": name}
    step = {"do": "borrower", "with": {"borrower_id": "$ada.id"}, "expect": expected, "claim": "she is ${ada.name}"}

    left, facts = run_and_report(short(step))

    claim = facts["scenes"][0]["claims"][1]
    assert left == code
    assert claim == {"claim": "she is Ada", "holds": not code, "got": {"$ada.name": "Ada", "name": "Ada"}}


def test_a_chapter_may_end_with_the_answer_key_and_the_audit() -> None:
    scenario = SHIPPED["stale-page"]

    code, facts = run_and_report(scenario)

    assert code == 0
    assert [[entry["status"] for entry in scene["entries"]] for scene in facts["scenes"]] == [["active"], ["healed"]]
    assert [[len(audit["discrepancies"]) for audit in scene["audits"]] for scene in facts["scenes"]] == [[1], [0]]


def test_an_unexpected_refusal_ends_the_story() -> None:
    code, facts = run_and_report(short({"do": "loan", "with": {"loan_id": "loan_x"}}))

    assert code == 1
    assert "404 loan_unknown" in facts["surprise"]


def test_a_step_without_an_answer_is_reported_too() -> None:
    scenario = short({"do": "borrower", "with": {"borrower_id": "$ada.id"}, "fails": "no_answer"})
    chapter = {**scenario.chapters[0], "rules": {"cut": {"fault": "transport.reset", "match": {"method": "GET"}}}}

    assert run_and_report(replace(scenario, chapters=(chapter,)))[0] == 0


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"do": "loan", "with": {"loan": "loan_x"}}, "unexpected keyword argument"),
        ({"do": "loan", "with": {"loan_id": "$nobody.id"}}, "no earlier step has `as: nobody`"),
        ({"do": "clock", "shows": "hour"}, "the answer has no 'hour'"),
    ],
)
def test_an_invalid_step_ends_the_story_with_the_reason(step: dict[str, object], message: str) -> None:
    code, facts = run_and_report(short(step))

    assert code == 1
    assert message in facts["surprise"]


def test_a_rule_that_cannot_be_armed_ends_the_story() -> None:
    scenario = short()
    chapter = {**scenario.chapters[0], "rules": {"typo": {"fault": "cashe_lag"}}}

    code, facts = run_and_report(replace(scenario, chapters=(chapter,)))

    assert code == 1
    assert facts["surprise"].startswith("rule typo: ")


def test_an_open_end_may_leave_open_injections_but_no_unexplained_discrepancy() -> None:
    pays = (
        {
            "do": "borrow",
            "with": {"borrower_id": "$ada.id", "principal_minor": 100_000, "product_id": "jiebei-like"},
            "as": "loan",
        },
        {"do": "quote", "with": {"loan_id": "$loan.id"}, "as": "quote"},
        {"do": "repay_quote", "with": {"quote": "$quote", "channel": "wallet"}},
        {"do": "advance", "with": {"by": "PT1M"}},
    )
    scenario = short(*pays)
    chapter = {**scenario.chapters[0], "rules": {"late": {"fault": "cache.bounded_stale"}}, "lies": 1}
    late = replace(scenario, chapters=(chapter,))

    assert run_and_report(late)[0] == 1
    assert run_and_report(replace(late, open_end=True))[0] == 0


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("$a.id", 7),
        ("/v1/${a.id}/x", "/v1/7/x"),
        ("$$a.id costs $$5", "$a.id costs $5"),
        (["$a.list.1", {"b": "$a"}], [2, {"b": {"id": 7, "list": [1, 2]}}]),
    ],
)
def test_a_name_stands_for_what_was_answered(raw: object, expected: object) -> None:
    assert filled(raw, {"a": {"id": 7, "list": [1, 2]}}) == expected


def test_an_unknown_name_within_a_text_is_refused() -> None:
    with pytest.raises(NotAsTold, match="nobody"):
        filled("x${nobody.id}", {})
