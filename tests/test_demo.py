"""The demo: it tells the truth about its lies, and cannot do otherwise."""

from __future__ import annotations

import io
import json
from importlib.metadata import entry_points
from typing import Any

import pytest

from mocklend import demo
from mocklend.client import Client
from mocklend.demo.story import NotAsTold, Story

needs_faults = pytest.mark.skipif(
    not entry_points(group="mocklend.layer"), reason="the fault layer is found by entry point: install mocklend first"
)
FAULTS = ["cache.bounded_stale", "callback.dropped", "operator.wrong_amount", "operator.marked_overdue"]


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """The demo's facts, told once for the whole file."""
    out = io.StringIO()
    code = demo.run(seed=7, as_json=True, out=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told | {"code": code}


@needs_faults
def test_everything_is_as_told(facts: dict[str, Any]) -> None:
    claims = [claim for scene in facts["scenes"] for claim in scene["claims"]]

    assert (facts["code"], facts["as_told"]) == (0, True)
    assert len(facts["scenes"]) == 5
    assert all(claim["holds"] for claim in claims)


@needs_faults
def test_each_lie_is_on_record_active_and_then_healed(facts: dict[str, Any]) -> None:
    told = [[(entry["fault"], entry["status"]) for entry in scene["entries"]] for scene in facts["scenes"]]

    assert told == [[], *([(fault, "active"), (fault, "healed")] for fault in FAULTS)]


@needs_faults
def test_the_audit_sees_each_lie_and_is_clean_in_the_end(facts: dict[str, Any]) -> None:
    audits = [[len(audit["discrepancies"]) for audit in scene["audits"]] for scene in facts["scenes"]]

    assert audits == [[0], [1, 0], [1, 0], [1, 0], [1, 0]]
    assert facts["audit"]["clean"]
    assert [entry["status"] for entry in facts["answer_key"]] == ["healed"] * 4


@needs_faults
def test_a_loan_is_repaid_in_full_through_each_channel(facts: dict[str, Any]) -> None:
    bodies = [exchange["body"] or {} for exchange in facts["scenes"][0]["exchanges"]]

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
    assert lines[-2].startswith("The end. 4 lies told")


@needs_faults
def test_a_claim_that_does_not_hold_ends_the_demo_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "books", lambda self, loan_id: {"status": "OVD"})
    out = io.StringIO()

    code = demo.run(seed=7, out=out)

    assert code == 1
    assert out.getvalue().splitlines()[-1].startswith("  ✗ the page says CLEAR, and so do the books")


def test_without_the_fault_layer_the_demo_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mocklend.runtime.find_layer", lambda: None)
    out = io.StringIO()

    code = demo.run(seed=7, out=out)

    assert code == 1
    assert "install mocklend_faults" in out.getvalue()


def test_a_story_does_not_let_a_wrong_claim_pass() -> None:
    story = Story(None)
    story.scene("A scene", "Something.")

    with pytest.raises(NotAsTold, match="expected 1, got 2"):
        story.claim("one is two", 2, 1)

    assert story.to_json()["scenes"][0]["claims"] == [{"claim": "one is two", "holds": False, "got": 2}]
