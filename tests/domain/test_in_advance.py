"""Paying before it is due: interest is owed for the days on which the money was lent, in however many payments it comes."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mocklend.domain.days import DayCount
from mocklend.domain.facts import (
    DISBURSEMENT,
    EDIT,
    MODIFY_PAID_AMOUNT,
    MODIFY_REVOKE_AMOUNT,
    RECEIPT,
    REVERSAL,
    WRITE_OFF,
    Fact,
    Terms,
)
from mocklend.domain.product import (
    DEFAULT_ALLOCATION,
    Bucket,
    Excess,
    Method,
    PayoffInterest,
    Penalty,
    Processing,
    Product,
)
from mocklend.domain.replay import LoanState, dump, load, replay, same
from mocklend.domain.schedule import schedule
from mocklend.domain.statuses import QuoteType

START = date(2026, 1, 5)
UNTIL_PAYOFF = PayoffInterest.UNTIL_PAYOFF_DATE


@st.composite
def products(draw: st.DrawFn, policy: PayoffInterest | None = None) -> Product:
    """Any method, day count, order, excess rule and policy."""
    method = draw(st.sampled_from(list(Method)))
    return Product(
        method=method,
        terms=1 if method is Method.BULLET else draw(st.integers(1, 5)),
        term_length=draw(st.integers(1, 3)),
        rate=draw(st.sampled_from(["0", "0.06", "0.24", "1"])),
        day_count=draw(st.sampled_from(list(DayCount))),
        allocation=tuple(draw(st.one_of(st.just(DEFAULT_ALLOCATION), st.permutations(list(Bucket))))),
        processing=draw(st.sampled_from(list(Processing))),
        excess=draw(st.sampled_from(list(Excess))),
        payoff_interest=policy or draw(st.sampled_from(list(PayoffInterest))),
        penalty=Penalty(grace_days=draw(st.sampled_from([0, 0, 5]))),
    )


def day(n: int) -> date:
    """The n-th day of the loan; it is paid out on day 0."""
    return START + timedelta(days=n)


def moment(on: date, n: int = 0) -> int:
    """A moment of a day."""
    return on.toordinal() * 86_400_000 + n


def receipt(n: int, on: date, amount: int, scope: str = QuoteType.OVD_AND_CURRENT) -> Fact:
    """Money, as the n-th fact of its day."""
    return Fact(f"rpy_{on}_{n:03}", RECEIPT, moment(on, n), on, amount, "wallet", scope)


def loan(product: Product, principal: int) -> tuple[Terms, list[Fact]]:
    """A loan, paid out on day 0."""
    terms = Terms("loan_a", "CNY", principal, START, product)
    return terms, [Fact("loan_a", DISBURSEMENT, moment(START), START, principal, "bank_transfer")]


@st.composite
def loans(draw: st.DrawFn, policy: PayoffInterest | None = None) -> tuple[Terms, list[Fact], date]:
    """A loan on which something may have been paid before, and the day on which somebody pays."""
    product = draw(products(policy))
    terms, facts = loan(product, draw(st.integers(1, 10_000_000)))
    on = 0
    for n in range(draw(st.integers(0, 2))):
        on += draw(st.integers(0, 40))
        amount = draw(st.integers(1, terms.principal_minor // 2 + 1))
        facts.append(
            receipt(n + 1, day(on), amount, draw(st.sampled_from([QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT])))
        )
    return terms, facts, day(on + draw(st.sampled_from([0, 1, 10, 26, 31, 45])))


def to_settle(terms: Terms, facts: list[Fact], on: date) -> int:
    """What a payoff on a date costs."""
    return sum(replay(terms, facts, on).quote(QuoteType.CLEAR, on).values())


def ledger(state: LoanState) -> Counter[str]:
    """Debits less credits of every account."""
    total: Counter[str] = Counter()
    for movement in state.movements:
        for debit, credit, amount in movement.postings:
            total[debit] += amount
            total[credit] -= amount
    return total


# --- laws ---


@given(case=loans(), parts=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=3))
def test_a_payoff_in_several_payments_of_one_day_costs_what_one_payment_costs(
    case: tuple[Terms, list[Fact], date], parts: list[tuple[float, bool]]
) -> None:
    terms, facts, on = case
    left = to_settle(terms, facts, on)
    assume(left > 0)

    for n, (share, whole) in enumerate(parts, 50):
        part = int(left * share)
        if part:
            facts = [*facts, receipt(n, on, part, QuoteType.CLEAR if whole else QuoteType.OVD_AND_CURRENT)]
            left -= part
        assert to_settle(terms, facts, on) == left
    state = replay(terms, [*facts, receipt(99, on, left)] if left else facts, on)

    assert state.outstanding_minor == state.ahead_minor == ledger(state)["2105"] == 0
    assert left == 0 or state.applied[f"rpy_{on}_099"] == (left, 0)


@given(
    case=loans(),
    share=st.floats(0, 1.1),
    scope=st.sampled_from([QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT]),
    later=st.integers(0, 70),
)
def test_one_unit_more_never_makes_what_is_owed_larger_on_that_day_or_any_other(
    case: tuple[Terms, list[Fact], date], share: float, scope: str, later: int
) -> None:
    terms, facts, on = case
    amount = int(to_settle(terms, facts, on) * share) + 1
    then = on + timedelta(days=later)

    some, more = (to_settle(terms, [*facts, receipt(50, on, paid, scope)], then) for paid in (amount, amount + 1))

    assert more <= some
    if later == 0:
        assert some - more == min(1, some)


@given(
    product=products(UNTIL_PAYOFF),
    principal=st.integers(1, 10_000_000),
    parts=st.lists(st.tuples(st.integers(0, 35), st.floats(0, 0.6), st.booleans()), max_size=3),
    last=st.integers(0, 120),
)
def test_the_interest_is_the_rate_on_what_was_lent_on_each_day(
    product: Product, principal: int, parts: list[tuple[int, float, bool]], last: int
) -> None:
    """But for `flat`, whose interest is on the original principal, and `30/360`, which counts no days."""
    assume(product.method is not Method.FLAT and product.day_count is not DayCount.THIRTY_360)
    terms, facts = loan(product, principal)
    on = 0
    for n, (wait, share, whole) in enumerate(parts, 1):
        on += wait
        amount = int(to_settle(terms, facts, day(on)) * share)
        if amount:
            facts.append(receipt(n, day(on), amount, QuoteType.CLEAR if whole else QuoteType.OVD_AND_CURRENT))
    end = day(on + last)
    state = replay(terms, facts, end)
    state.accrue(end)

    cuts = sorted({START, day(1), end, *(i.due_date for i in state.instalments), *(fact.on for fact in facts)})
    lent = 0
    for start, stop in pairwise(cut for cut in cuts if cut <= end):
        # A loan costs at least one day, so what is repaid on the first was lent on it.
        facts_before = facts[:1] if start == START else facts
        then = replay(terms, facts_before, start)
        lent += (
            sum(i.principal - i.principal_paid for i in then.instalments if i.due_date > start) * (stop - start).days
        )
    exact = lent * product.daily_rate()

    # That day's interest is posted on the day itself once all is repaid.
    if end > START:
        assert abs(sum(i.interest for i in state.instalments) - exact) <= Fraction(len(state.instalments), 2)


@given(case=loans())
def test_a_bill_paid_in_advance_asks_for_nothing_on_its_due_date(
    case: tuple[Terms, list[Fact], date],
) -> None:
    terms, facts, on = case
    quoted = replay(terms, facts, on).quote(QuoteType.OVD_AND_CURRENT, on)
    total = sum(quoted.values())
    assume(total > 0)
    bill = replay(terms, facts, on).bill(on)

    paid = [*facts, receipt(50, on, total)]

    assert total <= to_settle(terms, facts, on)
    if bill is not None:
        due = replay(terms, paid, bill.due_date)
        assert due.instalments[bill.n - 1].outstanding == 0
        assert due.overpaid_minor == replay(terms, facts, on).overpaid_minor
        assert all(i.outstanding == 0 for i in due.instalments if i.due_date <= bill.due_date)


@given(case=loans(), share=st.floats(0, 1), later=st.integers(0, 100))
def test_interest_set_aside_is_on_its_account_and_pays_interest_as_it_accrues(
    case: tuple[Terms, list[Fact], date], share: float, later: int
) -> None:
    terms, facts, on = case
    amount = int(to_settle(terms, facts, on) * share)
    assume(amount > 0)

    state = replay(terms, [*facts, receipt(50, on, amount)], on + timedelta(days=later))

    assert -ledger(state)["2105"] == state.ahead_minor >= 0
    assert all(i.interest_ahead == 0 for i in state.instalments if i.due_date <= state.accrued_to)
    assert sum(applied for applied, _ in state.applied.values()) == state.paid_minor
    assert all(0 <= i.interest_ahead <= state.interest_to_come(i) for i in state.instalments)
    assert same(load(terms, dump(state)), state)


@given(
    case=loans(), share=st.floats(0, 0.95), action=st.sampled_from(["taken back", "cancelled", "written off", "unpaid"])
)
def test_interest_set_aside_survives_every_operator_edit(
    case: tuple[Terms, list[Fact], date], share: float, action: str
) -> None:
    terms, facts, on = case
    amount = int(to_settle(terms, facts, on) * share)
    assume(amount > 0)
    first, then = receipt(50, on, amount), moment(on, 60)
    before = replay(terms, [*facts, first], on)
    act = {
        "taken back": Fact("rev_a", REVERSAL, then, on, reverses=first.id),
        "cancelled": Fact("edt_a", EDIT, then, on, 10**12, edit_kind=MODIFY_REVOKE_AMOUNT),
        "written off": Fact("edt_a", WRITE_OFF, then, on, 1),
        "unpaid": Fact("edt_a", EDIT, then, on, -before.paid_minor, edit_kind=MODIFY_PAID_AMOUNT),
    }[action]

    state = replay(terms, [*facts, first, act], on + timedelta(days=40))

    assert sum(ledger(state).values()) == 0
    assert -ledger(state)["2105"] == state.ahead_minor >= 0
    assert -ledger(state)["2101"] == state.overpaid_minor >= 0
    assert (
        sum(ledger(state)[account] for account in ("1101", "1102", "1103", "1104", "1105")) == state.outstanding_minor
    )
    if action in ("cancelled", "written off"):
        assert state.outstanding_principal_minor == state.ahead_minor == 0
    if action == "written off":
        assert state.outstanding_minor == 0
        # Of a few fen more may be set aside for interest to come than is owed in all: that is the borrower's own.
        left = before.outstanding_minor - before.ahead_minor
        assert state.written_off_minor == max(0, left)
        assert state.overpaid_minor == before.overpaid_minor + max(0, -left)
    if action == "taken back":
        assert state.unapplied_minor == amount


# --- examples ---


@pytest.mark.parametrize("first", [1, 1_783_977, 1_783_978, 4_000_000, 10_065_752])
@pytest.mark.parametrize("excess", list(Excess))
def test_a_part_and_the_rest_on_day_ten_cost_ten_days_of_interest(first: int, excess: Excess) -> None:
    """100,000.00 at 24 % a year for ten days of 365: 657.53 of interest."""
    product = Product(method=Method.EQUAL_INSTALMENT, terms=6, rate="0.24", excess=excess)
    terms, facts = loan(product, 10_000_000)

    after = to_settle(terms, [*facts, receipt(1, day(10), first)], day(10))

    assert to_settle(terms, facts, day(10)) == 10_065_753
    assert first + after == 10_065_753


def test_the_bill_paid_before_its_day_has_interest_on_what_stays_lent() -> None:
    """3,000.00 in three parts at 36.5 %: ten days on 3,000.00 are 30.00, and 21 days on the other 2,000.00 are 42.00."""
    terms, facts = loan(Product(method=Method.EQUAL_PRINCIPAL, terms=3, rate="0.365"), 300_000)
    quote = replay(terms, facts, day(10)).quote(QuoteType.OVD_AND_CURRENT, day(10))

    paid = [*facts, receipt(1, day(10), 107_200)]
    at_once, half_way, due = (replay(terms, paid, day(n)) for n in (10, 20, 31))
    half_way.accrue(day(20))

    assert schedule(terms.product, 300_000, START)[0].interest_minor == 9_300
    assert (quote["normal_principal_minor"], quote["normal_interest_minor"]) == (100_000, 7_200)
    assert (at_once.instalments[0].interest_paid, at_once.ahead_minor) == (3_000, 4_200)
    assert (half_way.instalments[0].interest_paid, half_way.ahead_minor) == (5_000, 2_200)
    assert (due.instalments[0].interest_paid, due.ahead_minor, due.outstanding_minor) == (7_200, 0, 200_000)
    assert to_settle(terms, paid, day(20)) == 200_000 - 2_200  # The ten days were paid before; eleven come back.


def test_a_payoff_within_the_period_releases_the_interest_set_aside() -> None:
    terms, facts = loan(Product(method=Method.EQUAL_PRINCIPAL, terms=3, rate="0.365"), 300_000)
    facts = [*facts, receipt(1, day(10), 107_200)]

    state = replay(terms, [*facts, receipt(1, day(20), 197_800, QuoteType.CLEAR)], day(20))

    assert state.status == "CLEAR"
    assert sum(i.interest for i in state.instalments) == 5_000  # Ten days on 3,000.00 and ten on 2,000.00.
    payoff = next(m for m in state.movements if m.ref == f"rpy_{day(20)}_001" and m.kind == "repayment")
    assert payoff.postings == (("2105", "1101", 2_200), ("2102", "1101", 197_800))


def test_until_the_end_of_the_period_part_of_the_principal_costs_what_the_whole_does() -> None:
    """A part that is repaid bears interest up to the period's end, like a payoff: 31 days on all of 3,000.00."""
    product = Product(
        method=Method.EQUAL_PRINCIPAL, terms=3, rate="0.365", payoff_interest=PayoffInterest.UNTIL_PERIOD_END
    )
    terms, facts = loan(product, 300_000)
    parts = [*facts, receipt(1, day(3), 50_000), receipt(1, day(10), 120_000)]

    assert to_settle(terms, facts, day(10)) == 309_300
    assert to_settle(terms, parts, day(10)) == 309_300 - 170_000
    assert to_settle(terms, parts, day(31) - timedelta(days=1)) == 309_300 - 170_000


def test_a_part_repaid_on_the_first_day_costs_that_day_like_the_whole() -> None:
    terms, facts = loan(Product(method=Method.BULLET, terms=1, rate="0.365"), 300_000)
    part = [*facts, receipt(1, START, 200_000)]

    assert to_settle(terms, facts, START) == 300_300
    assert to_settle(terms, part, START) == 100_300
    assert to_settle(terms, part, day(1)) == 100_300
    assert to_settle(terms, part, day(2)) == 100_400


def test_a_payment_of_all_that_is_owed_is_a_payoff_whatever_its_type() -> None:
    terms, facts = loan(Product(method=Method.EQUAL_INSTALMENT, terms=12, rate="0.24"), 1_000_000)
    total = to_settle(terms, facts, day(10))

    state = replay(terms, [*facts, receipt(1, day(10), total + 5)], day(10))

    assert (state.status, state.overpaid_minor) == ("CLEAR", 5)


def test_no_quote_is_higher_than_a_payoff() -> None:
    """At 100 % a year the interest of two years to come is more than all that is lent."""
    product = Product(method=Method.INTEREST_FIRST, terms=2, term_length=24, rate="1")
    terms, facts = loan(product, 100_000)

    state = replay(terms, facts, day(10))

    assert sum(state.quote(QuoteType.OVD_AND_CURRENT, day(10)).values()) == sum(
        state.quote(QuoteType.CLEAR, day(10)).values()
    )


def test_a_payoff_of_one_unit_does_not_stop_the_penalty() -> None:
    """It pays nothing off, so the days until the period's end count like any others."""
    product = Product(
        method=Method.EQUAL_PRINCIPAL, terms=3, rate="0.365", payoff_interest=PayoffInterest.UNTIL_PERIOD_END
    )
    terms, facts = loan(product, 300_000)

    without, with_one = (
        replay(terms, [*facts, *more], day(58)) for more in ([], [receipt(1, day(33), 1, QuoteType.CLEAR)])
    )
    for state in (without, with_one):
        state.accrue(day(58))

    assert without.instalments[0].penalty_principal == 27 * 150
    assert with_one.instalments[0].penalty_principal == 27 * 150
