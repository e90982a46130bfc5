"""Two replicas serve the status page, and one of them lags."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.kinds.read_non_monotonic import NonMonotonic
from support.events import example
from support.layer_harness import LayerHarness


@given(lag_s=st.integers(1, 10**6), already_s=st.integers(0, 10**6))
def test_the_second_replica_follows_the_first(lag_s: int, already_s: int) -> None:
    event = example(ViewRefresh, lag_s=already_s)
    showing = NonMonotonic(lag_s=lag_s).view_refresh(event).showing()

    assert showing.replica_ms - showing.page_ms == lag_s * 1000
    assert showing.page_ms == showing.list_ms == showing.instalments_ms == event.showing().page_ms


def test_a_loans_first_version_is_on_both() -> None:
    first = example(ViewRefresh, occurrence=1)

    assert NonMonotonic().view_refresh(first) == first


def test_a_lost_version_is_unchanged() -> None:
    lost = example(ViewRefresh, lost=True)

    assert NonMonotonic().view_refresh(lost) == lost


def test_it_ends_when_the_second_replica_has_caught_up(harness: LayerHarness) -> None:
    harness.arm("replica", "read.non_monotonic", **{"with": {"lag_s": 300}})
    harness.meet(example(ViewRefresh))
    before = harness.statuses()

    harness.later(300)

    assert (before, harness.statuses()) == (["active"], ["healed"])
