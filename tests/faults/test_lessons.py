"""The lesson of every kind of fault: exactly the views that it names differ, and its repair ends the injection."""

from __future__ import annotations

from typing import Any

import pytest

from mocklend_faults.engine.catalogue import installed
from mocklend_faults.engine.fault import VIEWS
from support import paired_runs

KINDS = sorted(installed())


@pytest.fixture(scope="module", params=KINDS)
def fault(request: pytest.FixtureRequest) -> str:
    """Each kind that is installed. All tests of one come after each other: a process tells its lesson once."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def outcome(fault: str, mocklend_server: str) -> paired_runs.LessonResult:
    """The result of its lesson."""
    return paired_runs.run_lesson(fault, mocklend_server)


def test_exactly_the_views_that_the_fault_names_differ(fault: str, outcome: paired_runs.LessonResult) -> None:
    assert outcome.differ == tuple(sorted(installed()[fault].symptom))
    assert installed()[fault].symptom.keys() <= VIEWS.keys()


def test_the_answer_key_has_the_injection_and_the_audit_agrees(fault: str, outcome: paired_runs.LessonResult) -> None:
    open_entries = [entry for entry in outcome.key if entry["status"] == "active"]

    assert outcome.key
    assert {entry["fault"] for entry in outcome.key} == {fault}
    assert {entry["expected"]["class"] for entry in outcome.key} == {installed()[fault].finding}
    assert _named(outcome.discrepancies) == sorted(
        (entry["expected"]["class"], entry["expected"]["entity"]) for entry in open_entries
    )
    assert [discrepancy for discrepancy in outcome.discrepancies if discrepancy["explained_by"] is None] == []
    assert outcome.unobserved == ()
    assert all(entry["status_reason"] for entry in outcome.key if entry["status"] in ("masked", "healed", "superseded"))


def test_its_repair_leaves_nothing_open(outcome: paired_runs.LessonResult) -> None:
    assert [entry["status"] for entry in outcome.repaired_key if entry["status"] in ("active", "pending")] == []
    assert (outcome.repaired_audit["clean"], outcome.repaired_audit["discrepancies"]) == (True, [])


def test_without_the_fault_the_story_is_honest(outcome: paired_runs.LessonResult) -> None:
    assert (outcome.honest_audit["clean"], outcome.honest_audit["discrepancies"]) == (True, [])


def test_the_fault_describes_itself_completely(fault: str) -> None:
    kind = installed()[fault]

    for sentence in (kind.precondition, kind.heals, kind.action, *kind.symptom.values()):
        assert sentence.strip()


def _named(discrepancies: Any) -> list[tuple[str, str]]:
    return sorted((discrepancy["class"], discrepancy["entity"]) for discrepancy in discrepancies)
