"""The cache invalidation of a status page is lost, so the old page stays."""

from __future__ import annotations

from mocklend.seams.signals import rebuilt, shown
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.kinds.cache_lost_invalidation import LostInvalidation
from support.events import example
from support.layer_harness import LayerHarness

A_YEAR_S = 31_536_000


def test_no_view_gets_the_new_version() -> None:
    showing = LostInvalidation().view_refresh(example(ViewRefresh)).showing()

    assert not showing.on_page(example(ViewRefresh).now_ms + 1000 * A_YEAR_S)


def test_the_first_version_of_a_loan_is_never_lost() -> None:
    first = example(ViewRefresh, occurrence=1)

    assert LostInvalidation().view_refresh(first) == first


def test_time_does_not_heal_it(harness: LayerHarness) -> None:
    harness.arm("lost", "cache.lost_invalidation")
    harness.meet(example(ViewRefresh))

    harness.later(A_YEAR_S)

    [entry] = harness.key()
    assert (entry.status, entry.until_ms) == ("active", None)
    assert (entry.finding.finding_class, entry.finding.entity, entry.finding.amount_minor) == (
        "stale_view", "loan_ada", 100_000,
    )  # fmt: skip


def test_a_rebuilt_page_heals_it(harness: LayerHarness) -> None:
    harness.arm("lost", "cache.lost_invalidation")
    harness.meet(example(ViewRefresh))

    harness.hear(rebuilt("loan_ada"))

    [entry] = harness.key()
    assert (entry.status, entry.to_json()["status_reason"]) == (
        "healed",
        "the page was rebuilt from the books: loan_ada",
    )


def test_the_next_version_that_is_shown_supersedes_it(harness: LayerHarness) -> None:
    harness.arm("lost", "cache.lost_invalidation")
    harness.meet(example(ViewRefresh))

    harness.hear(shown("loan_ada"))

    assert harness.statuses() == ["superseded"]


def test_a_version_that_is_both_late_and_lost_is_lost(harness: LayerHarness) -> None:
    harness.arm("a-lost", "cache.lost_invalidation")
    harness.arm("b-late", "cache.bounded_stale", **{"with": {"lag_s": 60}})
    harness.meet(example(ViewRefresh))

    harness.later(120)

    assert harness.statuses() == ["superseded", "active"]
