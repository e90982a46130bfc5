"""A channel takes back, days later, money that it had reported as paid."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mocklend.seams.signals import applied, told
from mocklend.seams.trade_settled import TradeSettled
from mocklend_faults.kinds.channel_payment_return import DAY_S, TOLD, PaymentReturn
from support.events import example
from support.layer_harness import LayerHarness


@given(days=st.integers(1, 366))
def test_the_payment_is_returned_after_the_set_days_without_a_callback(days: int) -> None:
    outcome = PaymentReturn(after_days=days).trade_settled(paid())

    assert (outcome.fails_after_s, outcome.tells) == (days * DAY_S, False)


def test_a_payment_that_is_returned_anyway_is_returned_once() -> None:
    failing = example(TradeSettled, fails_after_s=60)

    assert PaymentReturn().trade_settled(failing) is failing


def test_until_its_day_nothing_is_wrong_and_an_order_query_ends_it(harness: LayerHarness) -> None:
    harness.arm("bank", "channel.payment_return")
    harness.meet(example(TradeSettled))
    assert harness.statuses() == ["pending"]

    harness.later(3 * DAY_S)
    [entry] = harness.key()
    assert entry.open
    assert (entry.finding.finding_class, entry.finding.entity) == ("missing_in_channel", "rpy_ada")

    harness.hear(applied("undone_rpy_ada"))
    assert harness.statuses() == ["healed"]


def test_a_return_with_a_callback_is_masked(harness: LayerHarness) -> None:
    harness.arm("bank", "channel.payment_return", **{"with": {"says": TOLD}})

    harness.meet(example(TradeSettled))

    assert harness.statuses() == ["masked"]


def test_an_earlier_return_with_a_callback_supersedes_the_injection(harness: LayerHarness) -> None:
    harness.arm("bank", "channel.payment_return")
    harness.meet(example(TradeSettled))

    harness.hear(told("undone_rpy_ada"))

    assert harness.statuses() == ["superseded"]


def paid() -> TradeSettled:
    return TradeSettled("rpy_ada", 1, 0, "loan_ada", "rpy_ada", "wallet", 100_000, "CNY", None)
