"""The demo: what it prints is checked against the platform, and a wrong claim ends it."""

from __future__ import annotations

import io
import json
from importlib.metadata import entry_points
from typing import Any

import pytest

from mocklend import demo
from mocklend.client import Client, Doc
from mocklend.scenarios.narrator import Count, Narrator, NotAsTold

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)
FAULTS = ["cache.bounded_stale", "callback.dropped", "operator.wrong_amount", "operator.marked_overdue"]


@pytest.fixture(scope="module")
def facts() -> Doc:
    """The demo's facts, told once for the whole file."""
    out = io.StringIO()
    code = demo.run(seed=7, as_json=True, out=out)
    statuses: dict[str, Any] = json.loads(out.getvalue())
    return statuses | {"code": code}


@needs_faults
def test_the_demo_ends_as_its_scenarios_say(facts: Doc) -> None:
    scenes = [scene for scenario in facts["scenarios"] for scene in scenario["scenes"]]
    claims = [claim for scene in scenes for claim in scene["claims"]]

    assert (facts["code"], facts["as_told"], facts["seed"]) == (0, True, 7)
    assert [scenario["as_told"] for scenario in facts["scenarios"]] == [True] * 5
    assert len(scenes) == 10
    assert all(claim["holds"] for claim in claims)


@needs_faults
def test_each_injection_is_on_the_answer_key_as_active_and_then_healed(facts: Doc) -> None:
    statuses = [
        [(entry["fault"], entry["status"]) for scene in scenario["scenes"] for entry in scene["entries"]]
        for scenario in facts["scenarios"]
    ]

    assert statuses == [[], *([(fault, "active"), (fault, "healed")] for fault in FAULTS)]


@needs_faults
def test_the_audit_finds_each_injection_and_is_clean_in_the_end(facts: Doc) -> None:
    audits = [
        [len(audit["discrepancies"]) for scene in scenario["scenes"] for audit in scene["audits"]]
        for scenario in facts["scenarios"]
    ]

    assert audits == [[0, 0], [1, 0], [1, 0], [1, 0], [1, 0]]
    assert all(scenario["audit"]["clean"] for scenario in facts["scenarios"])
    ended = [[entry["status"] for entry in scenario["answer_key"]] for scenario in facts["scenarios"]]
    assert ended == [[], *[["healed"]] * 4]


@needs_faults
def test_a_loan_is_repaid_in_full_through_each_channel(facts: Doc) -> None:
    scenes = facts["scenarios"][0]["scenes"]
    bodies = [exchange["body"] or {} for scene in scenes for exchange in scene["exchanges"]]

    channels = [body["channel"] for body in bodies if "channel" in body]
    assert channels == ["wallet", "bank_card", "auto_debit", "bill_pay", "bank_transfer"]


@needs_faults
def test_the_story_fits_a_terminal_and_has_no_colours_in_a_file() -> None:
    out = io.StringIO()

    code = demo.run(seed=8, out=out)

    lines = out.getvalue().splitlines()
    assert code == 0
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in out.getvalue()
    assert lines[-2].startswith("The end. 4 lies told, all on record, all over; ")
    assert lines[-2].endswith("; audit clean.")
    assert lines[-1] == "  Next: mocklend serve"


@needs_faults
def test_a_claim_that_does_not_hold_ends_the_demo_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "repayment", lambda self, repayment_id: {"status": "PROCESSING", "applied_minor": 0})
    out = io.StringIO()

    code = demo.run(seed=7, out=out)

    assert code == 1
    assert out.getvalue().splitlines()[-1].startswith("  ✗ all of it is on the books: expected")
    assert "Story 2" not in out.getvalue()


def test_without_the_fault_layer_the_demo_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mocklend.runtime.find_layer", lambda: None)
    out = io.StringIO()

    code = demo.run(seed=7, out=out)

    assert code == 1
    assert "install mocklend_faults" in out.getvalue()


def test_without_its_scenarios_the_demo_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "scenarios", dict)
    out = io.StringIO()

    assert demo.run(seed=7, as_json=True, out=out) == 1
    assert json.loads(out.getvalue())["as_told"] is False
    assert demo.run(seed=7, out=out) == 1
    assert " ".join(out.getvalue().split()).endswith("install mocklend_faults.")


def test_a_narrator_does_not_let_a_wrong_claim_pass() -> None:
    narrator = Narrator(None)
    narrator.scene("A scene", "Something.")

    with pytest.raises(NotAsTold, match="expected 1, got 2"):
        narrator.claim("one is two", 2, 1)

    assert narrator.to_json()["scenes"][0]["claims"] == [{"claim": "one is two", "holds": False, "got": 2}]


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (Count(1, 0, 9), "1 lie told, all on record, all over; 9 claims held; audit clean"),
        (
            Count(1, 1, 9, False) + Count(2, 0, 3),
            "3 lies told, all on record, 1 not over yet; 12 claims held; audit not clean",
        ),
    ],
)
def test_the_result_of_several_stories_is_their_sum(count: Count, message: str) -> None:
    assert count.text() == message
