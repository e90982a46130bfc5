"""The trail of the latest events: bounded, of committed events only, and deleted with the sandbox."""

from __future__ import annotations

from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend.seams.seam import EventContext
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.rule_index import RuleIndex
from mocklend_faults.engine.trail import Event, Trail
from support.events import example
from support.layer_harness import LayerHarness

LAG = "cache.bounded_stale"


def event(n: int) -> Event:
    pending = example(ViewRefresh, occurrence=n)
    return Event(EventContext("sbx", 7, 0), pending, pending, (), RuleIndex("view.refresh", (), version=1), n)


def occurrences(trail: Trail, sandbox: str) -> list[int]:
    return [movement.pending.occurrence for movement in trail.of(sandbox)]


def test_a_sandbox_keeps_its_latest_events() -> None:
    trail = Trail(events_max=3)

    trail.add("ada", [event(n) for n in range(5)])

    assert occurrences(trail, "ada") == [2, 3, 4]
    assert occurrences(trail, "bob") == []


def test_the_longest_unused_sandbox_is_evicted_first() -> None:
    trail = Trail(events_max=3, of_all_max=5)
    for sandbox in ("ada", "bob", "ada"):
        trail.add(sandbox, [event(n) for n in range(2)])

    trail.add("eve", [event(9)])

    assert occurrences(trail, "bob") == []
    assert occurrences(trail, "ada") == [0, 1, 1]
    assert occurrences(trail, "eve") == [9]


def test_events_of_a_failed_group_are_not_kept(harness: LayerHarness) -> None:
    harness.arm("lag", LAG)

    harness.group(example(ViewRefresh), fail=True)
    lost = harness.layer.trail.of("sbx")
    harness.meet(example(ViewRefresh))

    assert lost == []
    assert len(harness.layer.trail.of("sbx")) == 1


def test_an_event_is_found_by_any_of_its_ids() -> None:
    pending = example(CallbackAttempt)
    sample = Event(EventContext("sbx", 7, 0), pending, pending, (), RuleIndex("callback.attempt", (), version=1), 0)

    assert sample.is_about("rpy_ada", None)
    assert sample.is_about("cb_ada", "loan_ada")
    assert sample.is_about(None, "loan_ada")
    assert not sample.is_about("rpy_bob", None)
    assert not sample.is_about("rpy_ada", "loan_bob")
