"""One view of a loan lags while the others are up to date."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from mocklend.seams.view_refresh import Showing, ViewRefresh
from mocklend_faults.kinds.projection_partial_lag import PartialLag
from support.events import example
from support.layer_harness import LayerHarness


@pytest.mark.parametrize(
    ("view", "late"), [("page", {"page_ms", "replica_ms"}), ("list", {"list_ms"}), ("instalments", {"instalments_ms"})]
)
def test_only_the_named_view_is_late(view: str, late: set[str]) -> None:
    event = example(ViewRefresh)
    showing = PartialLag(view=view, lag_s=60).view_refresh(event).showing()

    names = ("page_ms", "list_ms", "instalments_ms", "replica_ms")
    assert {name for name in names if getattr(showing, name) > event.now_ms} == late
    assert astuple(showing)[4:] == astuple(Showing.at(event.now_ms))[4:]


@pytest.mark.parametrize("view", ["page", "list", "instalments"])
def test_lags_add_up(view: str) -> None:
    once = PartialLag(view=view, lag_s=60).view_refresh(example(ViewRefresh, lag_s=30))
    twice = PartialLag(view=view, lag_s=60).view_refresh(once)

    assert twice.showing().latest_ms == example(ViewRefresh).now_ms + 150_000


def test_a_first_version_and_a_lost_version_are_unchanged() -> None:
    for event in (example(ViewRefresh, occurrence=1), example(ViewRefresh, lost=True)):
        assert PartialLag().view_refresh(event) == event


def test_two_late_views_are_one_injection_until_the_last_has_caught_up(harness: LayerHarness) -> None:
    harness.arm("a-list", "projection.partial_lag", **{"with": {"view": "list", "lag_s": 600}})
    harness.arm("b-plan", "projection.partial_lag", **{"with": {"view": "instalments", "lag_s": 60}})
    harness.meet(example(ViewRefresh))

    statuses_seen = [harness.statuses()]
    for seconds in (60, 540):
        harness.later(seconds)
        statuses_seen.append(harness.statuses())

    assert statuses_seen == [["superseded", "active"], ["superseded", "active"], ["superseded", "healed"]]
