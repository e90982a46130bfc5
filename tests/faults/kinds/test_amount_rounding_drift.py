"""amount.rounding_drift: a payoff quote is a few fen short."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocklend.client import Client
from mocklend.seams.quote_issued import QuoteIssued
from mocklend.seams.signals import cleared, ordered_by
from mocklend_faults.kinds.amount_rounding_drift import RoundingDrift
from support.events import example
from support.layer_harness import LayerHarness


def test_a_payoff_quote_is_short_until_its_day_is_over(harness: LayerHarness) -> None:
    harness.arm("rounds", "amount.rounding_drift", **{"with": {"drift_minor": 2}})

    assert harness.meet(example(QuoteIssued)).total_minor == 100_998
    [entry] = harness.key()
    assert entry.to_json()["expected"] == {"class": "wrong_view", "entity": "qte_ada", "amount_minor": 2}
    assert entry.status == "active"

    harness.later(14 * 3_600)

    assert harness.statuses() == ["healed"]


def test_a_short_quote_that_is_paid_stays_wrong_until_the_loan_is_paid_off(harness: LayerHarness) -> None:
    harness.arm("rounds", "amount.rounding_drift")
    harness.meet(example(QuoteIssued))

    harness.hear(ordered_by("qte_ada"))
    harness.later(40 * 86_400)

    assert harness.statuses() == ["active"]

    harness.hear(cleared("loan_ada"))

    [entry] = harness.key()
    assert (entry.status, entry.to_json()["status_reason"]) == ("healed", "the loan is paid off: loan_ada")


def test_a_lapsed_quote_cannot_be_used(harness: LayerHarness) -> None:
    harness.arm("rounds", "amount.rounding_drift")
    harness.meet(example(QuoteIssued))
    harness.later(14 * 3_600)

    harness.hear(ordered_by("qte_ada"))

    assert harness.statuses() == ["healed"]


@pytest.mark.parametrize("restarted", [False, True])
def test_max_active_counts_a_short_quote_that_was_paid(
    harness: LayerHarness, another_layer: Callable[[], None], restarted: bool
) -> None:
    harness.arm("rounds", "amount.rounding_drift", select={"max_active": 1})
    first, second = example(QuoteIssued), example(QuoteIssued, entity="qte_eve", quote_id="qte_eve", loan_id="loan_eve")
    harness.meet(first)
    if restarted:
        harness.hear(ordered_by("qte_ada"))
        another_layer()
        harness.later(40 * 86_400)
        assert harness.meet(second) == second
    else:
        assert harness.group(first, (ordered_by("qte_ada"),), second)[-1] == second

    harness.hear(cleared("loan_ada"))

    assert harness.meet(second).total_minor == 100_999


def test_only_a_payoff_quote_is_short(harness: LayerHarness) -> None:
    harness.arm("rounds", "amount.rounding_drift")

    for honest in (example(QuoteIssued, type="OVD_AND_CURRENT"), example(QuoteIssued, interest_minor=0)):
        assert harness.meet(honest) == honest


def test_a_quote_that_was_issued_is_read_again_unchanged(mocklend: Client) -> None:
    loan = mocklend.borrow(mocklend.add_borrower("ada", "Ada")["id"], 100_000, product_id="jiebei-like")
    other = mocklend.borrow(mocklend.add_borrower("eve", "Eve")["id"], 100_000, product_id="jiebei-like")
    right = mocklend.quote(other["id"])
    mocklend.arm("amount.rounding_drift", rule_id="rounds")

    wrong = mocklend.quote(loan["id"])

    assert (mocklend.quote(loan["id"]), mocklend.quote(other["id"])) == (wrong, right)
    assert wrong["total_minor"] == sum(wrong["buckets"].values()) == right["total_minor"] - 1
    mocklend.disarm("rounds")
    assert mocklend.quote(loan["id"]) == wrong
    assert mocklend.repay_quote(wrong, "wallet")["amount_minor"] == wrong["total_minor"]


@given(total=st.integers(3, 10**12), interest=st.integers(0, 10), drift=st.integers(1, 3))
def test_a_payoff_quote_is_short_by_a_few_fen_of_interest_or_right(total: int, interest: int, drift: int) -> None:
    quote = RoundingDrift(drift_minor=drift).quote_issued(
        example(QuoteIssued, total_minor=total, interest_minor=interest)
    )

    assert total - quote.total_minor == (drift if interest >= drift else 0)
