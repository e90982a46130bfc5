"""clock.cutoff_skew: the books' clock is ahead, so a late payment is booked on the next day."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.receipt_booked import ReceiptBooked
from mocklend_faults.kinds.clock_cutoff_skew import CutoffSkew
from support.events import example
from support.layer_harness import LayerHarness


@given(before_s=st.integers(1, 86_400), skew_s=st.integers(1, 43_200))
def test_only_a_payment_within_the_skew_before_midnight_moves_to_the_next_day(before_s: int, skew_s: int) -> None:
    honest = example(ReceiptBooked)
    honest = example(ReceiptBooked, booked_ms=honest.day_ends_ms - before_s * 1000)

    outcome = CutoffSkew(skew_s=skew_s).receipt_booked(honest)

    assert (outcome != honest) == (before_s <= skew_s)
    assert (outcome.booked_ms >= honest.day_ends_ms) == (before_s <= skew_s)
    assert outcome.booked_ms - honest.booked_ms in (0, skew_s * 1000)


def test_the_answer_key_has_both_moments(harness: LayerHarness) -> None:
    late = example(ReceiptBooked).day_ends_ms - 1_000
    harness.arm("skew", "clock.cutoff_skew", **{"with": {"skew_s": 2}})

    harness.meet(example(ReceiptBooked, booked_ms=late, amount_minor=8_600))

    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "misapplied", "entity": "rpy_ada", "amount_minor": 8_600}
    assert (entry.truth_after["paid_ms"], entry.served["paid_ms"]) == (late, late + 2_000)


def test_a_payment_at_noon_is_not_moved(harness: LayerHarness) -> None:
    harness.arm("skew", "clock.cutoff_skew")

    harness.meet(example(ReceiptBooked))

    assert harness.key() == []
