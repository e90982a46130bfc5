"""Order of allocation, excess rule and grace period: each setting has its effect."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from mocklend.domain.allocation import steps
from mocklend.domain.days import DayCount
from mocklend.domain.facts import DISBURSEMENT, EDIT, MODIFY_BILL_AMOUNT, RECEIPT, Fact, Terms
from mocklend.domain.product import DEFAULT_ALLOCATION, Excess, Method, PayoffInterest, Penalty, Processing, Product
from mocklend.domain.replay import LoanState, replay
from mocklend.domain.statuses import QuoteType

START = date(2026, 1, 5)
ADA_BORROWS = 120_000


PRODUCT = Product(method=Method.EQUAL_PRINCIPAL, terms=4, rate="0.12", day_count=DayCount.THIRTY_360)


def story(policy: Product, *facts: tuple[str, int, int, str | None], as_of: date) -> LoanState:
    """Facts as (kind, day after the start, amount, scope)."""
    terms = Terms("loan_ada", "CNY", ADA_BORROWS, START, policy)
    history = [Fact("loan_ada", DISBURSEMENT, 0, START, ADA_BORROWS, "wallet")]
    for n, (kind, day, amount, scope) in enumerate(facts):
        on = START + timedelta(days=day)
        edit_kind = MODIFY_BILL_AMOUNT if kind == EDIT else None
        history.append(Fact(f"fact_{n}", kind, day * 86_400_000 + n, on, amount, "wallet", scope, edit_kind))
    return replay(terms, history, as_of)


def test_by_default_an_instalment_is_finished_before_the_next_and_principal_comes_last() -> None:
    assert steps(PRODUCT)[0] == ("overdue", ("penalty_interest", "penalty_principal", "fee", "interest", "principal"))
    assert [timing for timing, _ in steps(PRODUCT)] == ["overdue", "due", "in_advance"]


def test_vertical_processing_pays_all_interest_before_any_principal() -> None:
    # Two instalments are overdue: 30,000 principal each, 1,200 and 900 interest.
    late = date(2026, 3, 10)
    interest_only = 1_200 + 900
    for processing, principal_paid in ((Processing.HORIZONTAL, True), (Processing.VERTICAL, False)):
        policy = replace(PRODUCT, processing=processing, penalty=Penalty(multiplier="0"))

        state = story(policy, (RECEIPT, (late - START).days, interest_only, QuoteType.OVD_AND_CURRENT), as_of=late)

        first, second = state.instalments[:2]
        assert (first.principal_paid > 0) is principal_paid
        assert (second.interest_paid == 900) is not principal_paid


def test_an_order_that_puts_principal_first_leaves_interest_standing() -> None:
    order = sorted(DEFAULT_ALLOCATION, key=lambda bucket: bucket.part != "principal")
    late = date(2026, 2, 10)

    state = story(
        replace(PRODUCT, allocation=tuple(order)),
        (RECEIPT, (late - START).days, 30_000, QuoteType.OVD_AND_CURRENT),
        as_of=late,
    )

    assert state.instalments[0].principal_paid == 30_000
    assert state.instalments[0].interest_paid == 0


@pytest.mark.parametrize(
    ("excess", "principals_left"),
    [
        (Excess.NEXT_INSTALMENT, [0, 20_000, 30_000, 30_000]),
        (Excess.LAST_INSTALMENT, [0, 30_000, 30_000, 20_000]),
        (Excess.REAMORTIZE, [0, 26_666, 26_667, 26_667]),
    ],
)
def test_money_above_what_is_due_goes_where_the_excess_rule_says(excess: Excess, principals_left: list[int]) -> None:
    due = date(2026, 2, 5)
    state = story(
        replace(PRODUCT, excess=excess),
        (RECEIPT, (due - START).days, 30_000 + 1_200 + 10_000, QuoteType.OVD_AND_CURRENT),
        as_of=due,
    )

    left = [i.unpaid("principal") for i in state.instalments]

    assert sum(left) == 80_000
    assert left == pytest.approx(principals_left, abs=1)
    assert sum(i.principal for i in state.instalments) == ADA_BORROWS
    assert state.overpaid_minor == 0


@pytest.mark.parametrize("excess", list(Excess))
def test_after_any_excess_a_payoff_quote_clears_to_the_unit(excess: Excess) -> None:
    payoff_day = date(2026, 3, 20)
    facts = [(EDIT, 3, 500, None), (RECEIPT, 20, 55_555, QuoteType.OVD_AND_CURRENT)]
    before = story(replace(PRODUCT, excess=excess), *facts, as_of=payoff_day)
    total = sum(before.quote(QuoteType.CLEAR, payoff_day).values())

    after = story(
        replace(PRODUCT, excess=excess),
        *facts,
        (RECEIPT, (payoff_day - START).days, total, QuoteType.CLEAR),
        as_of=payoff_day,
    )

    assert after.status == "CLEAR"
    assert after.overpaid_minor == 0


def test_a_payoff_until_the_period_ends_costs_its_interest_and_no_penalty_for_days_to_come() -> None:
    on = date(2026, 2, 10)  # The first instalment is five days late, the second is due on 5 March.
    to_the_day = story(PRODUCT, as_of=on).quote(QuoteType.CLEAR, on)
    to_the_end = story(replace(PRODUCT, payoff_interest=PayoffInterest.UNTIL_PERIOD_END), as_of=on).quote(
        QuoteType.CLEAR, on
    )

    assert to_the_end["penalty_principal_minor"] == to_the_day["penalty_principal_minor"] == 75
    assert to_the_end["normal_interest_minor"] == 900 > to_the_day["normal_interest_minor"]


def test_within_the_grace_period_a_loan_is_neither_overdue_nor_charged() -> None:
    policy = replace(PRODUCT, penalty=Penalty(grace_days=3))
    due = date(2026, 2, 5)

    inside = story(policy, as_of=due + timedelta(days=3))
    outside = story(policy, as_of=due + timedelta(days=4))

    assert inside.status == "USING"
    assert outside.status == "OVD"
    late = story(
        policy, (RECEIPT, (due - START).days + 5, 100, QuoteType.OVD_AND_CURRENT), as_of=due + timedelta(days=5)
    )
    # Two days beyond grace on 30,000 at 12 % times 1.5 by 360: 30,000 × 0.0005 × 2.
    assert late.instalments[0].penalty_principal == 30
