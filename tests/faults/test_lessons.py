"""Every kind of fault does what its page says, at exactly the views that it names, and its repair repairs."""

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
def told(fault: str, mocklend_server: str) -> paired_runs.Learned:
    """What came of its lesson."""
    return paired_runs.learned(fault, mocklend_server)


def test_the_symptom_is_at_exactly_the_views_that_the_fault_names(fault: str, told: paired_runs.Learned) -> None:
    assert told.differ == tuple(sorted(installed()[fault].symptom))
    assert installed()[fault].symptom.keys() <= VIEWS.keys()


def test_the_answer_key_names_it_and_the_audit_agrees(fault: str, told: paired_runs.Learned) -> None:
    open_entries = [one for one in told.key if one["status"] == "active"]

    assert told.key
    assert {one["fault"] for one in told.key} == {fault}
    assert {one["expected"]["class"] for one in told.key} == {installed()[fault].finding}
    assert _named(told.discrepancies) == sorted(
        (entry["expected"]["class"], entry["expected"]["entity"]) for entry in open_entries
    )
    assert [discrepancy for discrepancy in told.discrepancies if discrepancy["explained_by"] is None] == []
    assert told.unobserved == ()
    assert all(one["status_reason"] for one in told.key if one["status"] in ("masked", "healed", "superseded"))


def test_its_repair_leaves_nothing_open(told: paired_runs.Learned) -> None:
    assert [one["status"] for one in told.repaired_key if one["status"] in ("active", "pending")] == []
    assert (told.repaired_audit["clean"], told.repaired_audit["discrepancies"]) == (True, [])


def test_without_the_fault_the_story_is_honest(told: paired_runs.Learned) -> None:
    assert (told.honest_audit["clean"], told.honest_audit["discrepancies"]) == (True, [])


def test_it_says_all_that_a_reader_needs(fault: str) -> None:
    kind = installed()[fault]

    for said in (kind.precondition, kind.heals, kind.action, *kind.symptom.values()):
        assert said.strip()


def _named(discrepancies: Any) -> list[tuple[str, str]]:
    return sorted((discrepancy["class"], discrepancy["entity"]) for discrepancy in discrepancies)
