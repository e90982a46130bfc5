"""A clerk posts by hand what the callback has brought."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.order_paid import OrderPaid
from mocklend.seams.signals import reversed_
from mocklend_faults.kinds.operator_double_entry import DoubleEntry
from support.events import example
from support.layer_harness import LayerHarness


@given(late_s=st.integers(0, 10**6), limit=st.integers(0, 31 * 86_400))
def test_only_a_late_receipt_is_posted_by_hand(late_s: int, limit: int) -> None:
    paid = example(OrderPaid, late_s=late_s)

    assert DoubleEntry(late_s=limit).order_paid(paid).posted_again == (late_s >= limit)


def test_a_receipt_in_time_is_not_posted_by_hand() -> None:
    in_time = example(OrderPaid, late_s=59)

    assert DoubleEntry(late_s=60).order_paid(in_time) is in_time


def test_the_receipt_by_hand_is_an_open_injection_until_it_is_reversed(harness: LayerHarness) -> None:
    harness.arm("list", "operator.double_entry")

    harness.meet(example(OrderPaid))

    [entry] = harness.key()
    expected = {"class": "duplicate_in_books", "entity": "rct_ada_by_hand", "amount_minor": 100_000}
    assert (entry.to_json()["expected"], entry.open) == (expected, True)

    harness.hear(reversed_("rct_ada"))
    assert harness.statuses() == ["active"]

    harness.hear(reversed_("rct_ada_by_hand"))
    assert harness.statuses() == ["healed"]
