"""A balance is evicted from memory before it is written to disk; later changes start from an old balance."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.balance_kept import BalanceKept
from mocklend.seams.signals import rebuilt, shown
from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.kinds.cache_evicted_before_flush import EvictedBeforeFlush
from support.events import example
from support.layer_harness import LayerHarness

MONEY = st.integers(0, 10**12)


@given(flushed=MONEY, remaining=MONEY, balance=MONEY)
def test_the_page_lacks_the_change_before(flushed: int, remaining: int, balance: int) -> None:
    event = example(BalanceKept, flushed_minor=flushed, kept_minor=remaining, balance_minor=balance)
    consequence = event.consequence(EvictedBeforeFlush().balance_kept(event))

    assert consequence.served["outstanding_minor"] == flushed + (balance - remaining)
    assert consequence.finding.amount_minor == abs(
        consequence.truth_after["outstanding_minor"] - flushed - (balance - remaining)
    )


def test_the_page_lacks_the_first_payment(harness: LayerHarness) -> None:
    harness.arm("store", "cache.evicted_before_flush")

    harness.meet(example(BalanceKept))

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "wrong_view", "entity": "loan_ada", "amount_minor": 5_000}
    assert (entry.truth_after, entry.served) == ({"outstanding_minor": 89_000}, {"outstanding_minor": 94_000})


def test_neither_time_nor_a_newer_version_heals_it(harness: LayerHarness) -> None:
    harness.arm("store", "cache.evicted_before_flush")
    harness.meet(example(BalanceKept))

    harness.later(31_536_000)
    harness.hear(shown("loan_ada"))

    assert harness.statuses() == ["active"]


def test_a_rebuilt_page_heals_it(harness: LayerHarness) -> None:
    harness.arm("store", "cache.evicted_before_flush")
    harness.meet(example(BalanceKept))

    harness.hear(rebuilt("loan_ada"))

    assert harness.statuses() == ["healed"]


def test_a_page_may_have_a_wrong_balance_and_an_old_version_at_once(harness: LayerHarness) -> None:
    harness.arm("store", "cache.evicted_before_flush")
    harness.arm("late", "cache.lost_invalidation")

    harness.group(example(BalanceKept), example(ViewRefresh, occurrence=3))

    assert sorted(entry.finding.finding_class for entry in harness.key()) == ["stale_view", "wrong_view"]
    assert harness.statuses() == ["active", "active"]
