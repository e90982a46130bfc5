"""A slow cache fill overwrites the new page with the old one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.signals import shown
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.kinds.cache_stale_set import StaleSet
from support.events import example
from support.layer_harness import LayerHarness

SECONDS = st.integers(0, 10**6)


@given(right_for_s=SECONDS, stale_s=SECONDS.map(lambda s: s + 1), seconds=st.integers(0, 3 * 10**6))
def test_the_page_is_right_then_wrong_then_right(right_for_s: int, stale_s: int, seconds: int) -> None:
    event = example(ViewRefresh)
    showing = StaleSet(right_for_s=right_for_s, stale_s=stale_s).view_refresh(event).showing()

    assert showing.on_page(event.now_ms + seconds * 1000) == (not right_for_s <= seconds < right_for_s + stale_s)


def test_a_loans_first_version_has_no_older_one_that_could_return() -> None:
    first = example(ViewRefresh, occurrence=1)

    assert StaleSet().view_refresh(first) == first


def test_one_slow_fill_is_enough() -> None:
    hit = StaleSet(right_for_s=10).view_refresh(example(ViewRefresh))

    assert StaleSet(right_for_s=60).view_refresh(hit) == hit


def test_the_injection_is_pending_until_the_old_value_returns(harness: LayerHarness) -> None:
    harness.arm("fill", "cache.stale_set", **{"with": {"right_for_s": 30, "stale_s": 60}})
    harness.meet(example(ViewRefresh))

    statuses_seen = []
    for seconds in (0, 29, 1, 59, 1):
        harness.later(seconds)
        statuses_seen += harness.statuses()

    assert statuses_seen == ["pending", "pending", "active", "active", "healed"]


def test_a_newer_version_in_between_leaves_nothing_to_return_to(harness: LayerHarness) -> None:
    harness.arm("fill", "cache.stale_set", **{"with": {"right_for_s": 30, "stale_s": None}})
    harness.meet(example(ViewRefresh))

    harness.hear(shown("loan_ada"))
    harness.later(60)

    assert harness.statuses() == ["superseded"]


def test_a_page_that_is_late_anyway_is_behind_from_the_start(harness: LayerHarness) -> None:
    harness.arm("a-late", "cache.bounded_stale", **{"with": {"lag_s": 60}})
    harness.arm("b-fill", "cache.stale_set", **{"with": {"right_for_s": 90, "stale_s": 30}})
    harness.meet(example(ViewRefresh))

    statuses_seen = [harness.statuses()[1]]
    for seconds in (75, 45):
        harness.later(seconds)
        statuses_seen.append(harness.statuses()[1])

    assert statuses_seen == ["active", "active", "healed"]
