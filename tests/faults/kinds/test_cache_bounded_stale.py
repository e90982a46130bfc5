"""The page is behind the books for a while."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.signals import shown
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.kinds.cache_bounded_stale import BoundedStale
from support.events import example
from support.layer_harness import LayerHarness

MINUTE_S = 60


def test_the_new_version_is_seen_a_minute_later() -> None:
    assert BoundedStale().view_refresh(example(ViewRefresh)).lag_s == MINUTE_S


def test_a_loans_first_version_is_never_late() -> None:
    first = example(ViewRefresh, occurrence=1)

    assert BoundedStale().view_refresh(first) == first


@given(lag_s=st.integers(1, 10**6), already_s=st.integers(0, 10**6))
def test_lags_add_up(lag_s: int, already_s: int) -> None:
    assert BoundedStale(lag_s=lag_s).view_refresh(example(ViewRefresh, lag_s=already_s)).lag_s == already_s + lag_s


def test_a_settled_loan_shows_as_unpaid_until_the_lag_is_over(harness: LayerHarness) -> None:
    harness.arm("lag", "cache.bounded_stale")

    harness.meet(example(ViewRefresh))

    [entry] = harness.key()
    assert entry.to_json() | {"injection": ""} == {
        "injection": "",
        "rule": "lag",
        "fault": "cache.bounded_stale",
        "seam": "view.refresh",
        "entity": "loan_ada",
        "loan_id": "loan_ada",
        "occurrence": 2,
        "at": "2026-01-05T02:00:00.000Z",
        "effect": "lag_s: 0 -> 60",
        "truth": {
            "before": {"status": "USING", "outstanding_minor": 100_000, "version": 1},
            "after": {"status": "CLEAR", "outstanding_minor": 0, "version": 2},
        },
        "served": {"status": "USING", "outstanding_minor": 100_000, "version": 1},
        "amount_minor": 100_000,
        "currency": "CNY",
        "visible_from": "2026-01-05T02:00:00.000Z",
        "visible_until": "2026-01-05T02:01:00.000Z",
        "expected": {"class": "stale_view", "entity": "loan_ada", "amount_minor": 100_000},
        "status": "active",
        "status_reason": None,
        "ended_at": None,
    }


def test_it_heals_by_itself(harness: LayerHarness) -> None:
    harness.arm("lag", "cache.bounded_stale")
    harness.meet(example(ViewRefresh))

    harness.later(MINUTE_S)

    [entry] = harness.key()
    assert (entry.status, entry.to_json()["status_reason"]) == ("healed", "the lag is over")
    assert entry.to_json()["ended_at"] == "2026-01-05T02:01:00.000Z"


def test_a_newer_version_on_the_page_supersedes_it(harness: LayerHarness) -> None:
    harness.arm("lag", "cache.bounded_stale")
    harness.meet(example(ViewRefresh))
    harness.later(30)

    harness.hear(shown("loan_ada"))

    [entry] = harness.key()
    assert (entry.status, entry.to_json()["ended_at"]) == ("superseded", "2026-01-05T02:00:30.000Z")


def test_what_the_lag_has_healed_stays_healed(harness: LayerHarness) -> None:
    harness.arm("lag", "cache.bounded_stale")
    harness.meet(example(ViewRefresh))
    harness.later(90)
    before = harness.key()[0].to_json()

    harness.hear(shown("loan_ada"))
    harness.meet(example(ViewRefresh, occurrence=3, now_ms=harness.now_ms))

    assert harness.key()[0].to_json() == before
    assert harness.statuses() == ["healed", "active"]
