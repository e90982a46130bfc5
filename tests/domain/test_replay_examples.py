"""Replay by example: what Ada owes, to the minor unit, in cases that can be calculated by hand."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from mocklend.domain.days import TermUnit
from mocklend.domain.facts import (
    EDIT,
    MODIFY_BILL_AMOUNT,
    MODIFY_PAID_AMOUNT,
    REVERSAL,
    Fact,
)
from mocklend.domain.product import (
    Method,
    PayoffInterest,
    Penalty,
    Product,
)
from mocklend.domain.replay import replay
from mocklend.domain.statuses import QuoteType
from support.histories import START, ada, moment, paid_out, receipt


def test_a_loan_repaid_on_its_first_day_costs_one_day_of_interest() -> None:
    terms = ada()

    quote = replay(terms, [paid_out(terms)], START).quote(QuoteType.CLEAR, START)

    assert quote["normal_principal_minor"] == 100_000
    assert quote["normal_interest_minor"] == 45  # 1,000.00 at 0.045 % a day


def test_a_day_late_costs_a_day_of_penalty_at_one_and_a_half_times_the_rate() -> None:
    terms = ada(Product(method=Method.EQUAL_INSTALMENT, terms=1, rate="0.365"))
    due = date(2026, 2, 28)

    on_time = replay(terms, [paid_out(terms)], due)
    late = replay(terms, [paid_out(terms)], due + timedelta(days=1))

    assert on_time.status == "USING"
    assert late.status == "OVD"
    assert late.quote(QuoteType.CLEAR, due)["penalty_principal_minor"] == 0
    assert late.quote(QuoteType.CLEAR, due + timedelta(days=1))["penalty_principal_minor"] == 150  # 0.15 % of 1,000.00


def test_money_settles_the_oldest_instalment_first_and_in_it_penalty_before_interest_before_principal() -> None:
    terms = ada()
    late = date(2026, 4, 15)
    owed = replay(terms, [paid_out(terms)], late).quote(QuoteType.OVD_AND_CURRENT, late)
    first = replay(terms, [paid_out(terms)], late)
    first.accrue(late)
    oldest = first.instalments[0]

    state = replay(terms, [paid_out(terms), receipt("a", late, oldest.penalty_principal + oldest.interest + 10)], late)

    now = state.instalments[0]
    assert owed["penalty_principal_minor"] > 0
    assert (now.penalty_principal_paid, now.interest_paid, now.principal_paid) == (
        oldest.penalty_principal, oldest.interest, 10
    )  # fmt: skip
    assert state.instalments[1].paid == 0


def test_an_instalment_paid_within_the_grace_period_has_no_penalty_afterwards() -> None:
    """Paying the current instalment early pays its interest up to its due date: what was due before is paid by then."""
    product = Product(
        method=Method.EQUAL_PRINCIPAL, terms=2, term_unit=TermUnit.DAY, term_length=10, rate="1",
        penalty=Penalty("10", grace_days=3),
    )  # fmt: skip
    terms, on = ada(product), START + timedelta(days=12)
    owed = sum(replay(terms, [paid_out(terms)], on).quote(QuoteType.OVD_AND_CURRENT, on).values())

    state = replay(terms, [paid_out(terms), receipt("a", on, owed)], on + timedelta(days=60))

    assert state.status == "CLEAR"
    assert [i.penalty_principal for i in state.instalments] == [0, 0]
    assert state.overpaid_minor == 0


def test_a_reversed_repayment_leaves_the_later_one_in_its_place() -> None:
    terms = ada()
    due = date(2026, 2, 28)
    first = receipt("a", due, 9_000)
    second = receipt("b", date(2026, 3, 31), 9_500)
    undone = Fact("rev_a", REVERSAL, moment(date(2026, 4, 1)), date(2026, 4, 1), reverses="rpy_a")

    state = replay(terms, [paid_out(terms), first, second, undone], date(2026, 4, 1))

    assert state.unapplied_minor == 9_000
    assert state.instalments[0].outstanding == 0
    assert state.instalments[0].penalty_principal > 0
    assert state.status == "OVD"


def test_a_reopened_loan_has_accrual_periods_without_a_gap() -> None:
    terms, settled, settled_on, opened = (
        ada(),
        START + timedelta(days=20),
        START + timedelta(days=30),
        date(2026, 3, 15),
    )
    back = Fact("edt_a", EDIT, moment(opened), opened, -50_000, edit_kind=MODIFY_PAID_AMOUNT)
    facts = [paid_out(terms), receipt("a", settled, 100_900, QuoteType.CLEAR), receipt("b", settled_on, 500), back]

    state = replay(terms, facts, date(2026, 4, 30))

    periods = [movement.period for movement in state.movements if movement.period]
    assert [period for period in periods if period[0] == settled] == [(settled, date(2026, 3, 31))]
    assert all(item[1] == other[0] for item, other in pairwise(periods))


def test_overpaid_is_an_amount_and_not_a_status() -> None:
    terms = ada()

    state = replay(terms, [paid_out(terms), receipt("a", START, 200_000, QuoteType.CLEAR)], START)

    assert state.status == "CLEAR"
    assert state.overpaid_minor == 200_000 - 100_045


def test_a_waiver_never_takes_principal() -> None:
    terms = ada()
    on = START + timedelta(days=10)
    waiver = Fact("edt_a", EDIT, moment(on), on, -(10**9), edit_kind=MODIFY_BILL_AMOUNT)

    state = replay(terms, [paid_out(terms), waiver], on)

    assert state.outstanding_minor == state.outstanding_principal_minor == 100_000


@pytest.mark.parametrize("policy", list(PayoffInterest))
def test_an_early_payoff_owes_interest_as_the_product_says(policy: PayoffInterest) -> None:
    terms = ada(Product(method=Method.EQUAL_INSTALMENT, terms=1, rate="0.365", payoff_interest=policy))
    on = START + timedelta(days=7)

    quote = replay(terms, [paid_out(terms)], on).quote(QuoteType.CLEAR, on)

    days = 7 if policy is PayoffInterest.UNTIL_PAYOFF_DATE else 28
    assert quote["normal_interest_minor"] == days * 100


def test_a_loan_that_was_never_paid_out_owes_nothing() -> None:
    state = replay(ada(), [], START + timedelta(days=400))

    assert (state.status, state.outstanding_minor, state.overdue_minor) == ("SUBMITTED", 0, 0)
    assert state.next_change() is None


def test_the_next_end_of_day_work_of_a_loan_is_on_the_day_after_a_due_date() -> None:
    terms = ada()

    assert replay(terms, [paid_out(terms)], date(2026, 2, 28)).next_change() == date(2026, 3, 1)
    assert replay(terms, [paid_out(terms)], date(2026, 3, 1)).next_change() == date(2026, 4, 1)
    assert replay(terms, [paid_out(terms)], date(2027, 2, 1)).next_change() is None
