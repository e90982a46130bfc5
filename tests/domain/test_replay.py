"""Replay: the laws of the one function behind world, books and views, for random products and histories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from mocklend.domain.days import DayCount, TermUnit
from mocklend.domain.facts import (
    DISBURSEMENT,
    EDIT,
    MARK,
    MODIFY_BILL_AMOUNT,
    MODIFY_BILL_OVERDUE_AMOUNT,
    MODIFY_PAID_AMOUNT,
    RECEIPT,
    REVERSAL,
    SECOND_RECEIPT,
    Fact,
    Terms,
)
from mocklend.domain.money import Rounding
from mocklend.domain.product import (
    DEFAULT_ALLOCATION,
    PRODUCTS,
    Excess,
    Method,
    PayoffInterest,
    Penalty,
    PenaltyBase,
    Processing,
    Product,
    RateUnit,
)
from mocklend.domain.replay import ACCOUNTS, LoanState, dump, load, replay, same, take
from mocklend.domain.schedule import schedule
from mocklend.domain.statuses import QuoteType

START = date(2026, 1, 31)
EDIT_KINDS = (MODIFY_BILL_AMOUNT, MODIFY_BILL_OVERDUE_AMOUNT)


@dataclass(frozen=True)
class History:
    """A loan's terms and facts, in effective order."""

    terms: Terms
    facts: tuple[Fact, ...]

    def at(self, day: int) -> LoanState:
        """The loan so many days after it began."""
        return replay(self.terms, self.facts, self.terms.start + timedelta(days=day))

    @property
    def last_day(self) -> int:
        """The day of the newest fact."""
        return (self.facts[-1].on - self.terms.start).days


def moment(on: date, n: int = 0) -> int:
    """A moment on a date, the n-th of it."""
    return on.toordinal() * 86_400_000 + n


def paid_out(terms: Terms) -> Fact:
    """The fact that every loan begins with."""
    return Fact("loan_a", DISBURSEMENT, moment(terms.start), terms.start, terms.principal_minor, "bank_transfer")


def receipt(name: str, on: date, amount_minor: int, scope: str = QuoteType.OVD_AND_CURRENT, n: int = 1) -> Fact:
    """Money that came in."""
    return Fact(f"rpy_{name}", RECEIPT, moment(on, n), on, amount_minor, "wallet", scope)


def ada(product: Product = PRODUCTS["jiebei-like"], principal_minor: int = 100_000, start: date = START) -> Terms:
    """Ada borrows 1,000.00 at the end of January."""
    return Terms("loan_a", "CNY", principal_minor, start, product)


@st.composite
def products(draw: st.DrawFn) -> Product:
    unit = draw(st.sampled_from(TermUnit))
    return Product(
        method=draw(st.sampled_from(Method)),
        terms=draw(st.integers(1, 12)),
        rate=draw(st.sampled_from(["0", "0.00045", "0.06", "0.35", "1"])),
        rate_unit=RateUnit.ANNUAL,
        term_unit=unit,
        term_length=draw(st.integers(1, 3) if unit is TermUnit.MONTH else st.integers(1, 40)),
        day_count=draw(st.sampled_from(DayCount)),
        rounding=draw(st.sampled_from(Rounding)),
        instalment_multiple_minor=draw(st.sampled_from([1, 100])),
        payoff_interest=draw(st.sampled_from(PayoffInterest)),
        allocation=tuple(draw(st.just(list(DEFAULT_ALLOCATION)) | st.permutations(DEFAULT_ALLOCATION))),
        processing=draw(st.sampled_from(Processing)),
        excess=draw(st.sampled_from(Excess)),
        penalty=Penalty(
            draw(st.sampled_from(["0", "1", "1.5", "10"])),
            draw(st.sampled_from(PenaltyBase)),
            draw(st.sampled_from([0, 3])),
        ),
    )


@st.composite
def histories(draw: st.DrawFn, *, edits: bool = True) -> History:
    """Receipts, edits and reversals on any day from the first to half a year after the last due date."""
    principal = draw(st.integers(1, 200) | st.integers(1_000, 10_000_000))
    terms = ada(draw(products()), principal, draw(st.dates(date(2023, 12, 1), date(2026, 3, 1))))
    length = (schedule(terms.product, principal, terms.start)[-1].due_date - terms.start).days
    dues = [(i.due_date - terms.start).days for i in schedule(terms.product, principal, terms.start)]
    days = st.integers(0, length + 180) | st.sampled_from(dues) | st.sampled_from(dues).map(lambda day: day + 1)
    amounts = st.integers(1, 50) | st.integers(1, max(2, principal // 3)) | st.integers(1, 2 * principal)
    facts = [paid_out(terms)]
    for n in range(draw(st.integers(0, 7))):
        on = terms.start + timedelta(days=draw(days))
        what = draw(st.sampled_from(["receipt", "receipt", "edit", "mark", "reversal"]))
        if what == "edit" and edits:
            amount = draw(amounts) * draw(st.sampled_from([1, -1]))
            kind = draw(st.sampled_from(EDIT_KINDS))
            facts.append(Fact(f"edt_{n}", EDIT, moment(on, n), on, amount, edit_kind=kind))
        elif what == "mark" and edits:
            facts.append(Fact(f"edt_{n}", MARK, moment(on, n), on, status="OVERDUE"))
        elif what == "reversal" and (earlier := _reversible(facts)):
            target = draw(st.sampled_from(earlier))
            on = max(on, target.on)
            facts.append(Fact(f"rev_{n}", REVERSAL, max(moment(on, n), target.at_ms + 1), on, reverses=target.id))
        else:
            scope = draw(st.sampled_from([QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT]))
            facts.append(receipt(str(n), on, draw(amounts), scope, n))
    return History(terms, tuple(sorted(facts, key=lambda fact: fact.order)))


def _reversible(facts: Sequence[Fact]) -> list[Fact]:
    gone = {fact.reverses for fact in facts}
    return [fact for fact in facts if fact.kind in (RECEIPT, EDIT) and fact.id not in gone]


def balances(state: LoanState) -> Counter[str]:
    """Debits less credits of every account, from the movements."""
    total: Counter[str] = Counter()
    for movement in state.movements:
        for debit, credit, amount in movement.postings:
            total[debit] += amount
            total[credit] -= amount
    return total


def but_for_the_money(state: LoanState) -> str:
    """The state as stored, without the unapplied money and the newest fact."""
    state.unapplied_minor, state.last = 0, (0, "")
    return dump(state)


# --- laws ---


@given(history=histories(), data=st.data())
def test_the_order_in_which_facts_arrive_never_matters(history: History, data: st.DataObject) -> None:
    arrived = data.draw(st.permutations(history.facts))
    on = history.facts[-1].on + timedelta(days=data.draw(st.integers(0, 90)))

    one, other = replay(history.terms, history.facts, on), replay(history.terms, arrived, on)

    assert same(one, other)
    assert one.movements == other.movements
    assert one.applied == other.applied


@given(history=histories(), data=st.data())
def test_a_reversed_repayment_or_edit_is_as_if_it_had_never_been(history: History, data: st.DataObject) -> None:
    on = history.facts[-1].on + timedelta(days=data.draw(st.integers(0, 90)))
    target = data.draw(st.sampled_from([*_reversible(history.facts), receipt("x", on, 1_000, QuoteType.CLEAR, 99)]))
    without = [fact for fact in history.facts if fact.id != target.id]
    undone = Fact("rev_x", REVERSAL, moment(on, 999), on, reverses=target.id)

    reversed_, never = (
        replay(history.terms, [*without, target, undone], on), replay(history.terms, without, on)
    )  # fmt: skip

    money = target.amount_minor if target.kind == RECEIPT else 0
    assert reversed_.unapplied_minor == never.unapplied_minor + money
    assert [m for m in reversed_.movements if m.ref != target.id] == never.movements
    assert [m.kind for m in reversed_.movements if m.ref == target.id] == ["receipt"] * bool(money)
    assert reversed_.applied == never.applied
    assert but_for_the_money(reversed_) == but_for_the_money(never)


@given(data=st.data())
def test_a_reversal_that_is_reversed_never_was(data: st.DataObject) -> None:
    history = data.draw(histories())
    on = history.facts[-1].on
    target = data.draw(st.sampled_from([*_reversible(history.facts), receipt("x", on, 1_000, QuoteType.CLEAR, 99)]))
    with_it = [*(fact for fact in history.facts if fact.id != target.id), target]
    undone = Fact("rev_x", REVERSAL, moment(on, 999), on, reverses=target.id)
    restored = Fact("rev_a", REVERSAL, moment(on, 999), on, reverses=undone.id)

    there_and_back = replay(history.terms, [*with_it, undone, restored], on)
    never = replay(history.terms, with_it, on)

    assert there_and_back.movements == never.movements
    assert (there_and_back.status, there_and_back.applied) == (never.status, never.applied)


@given(
    data=st.data(), amount=st.integers(1, 200_000), scope=st.sampled_from([QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT])
)
def test_a_second_receipt_that_is_taken_back_leaves_nothing(data: st.DataObject, amount: int, scope: str) -> None:
    history = data.draw(histories())
    on = history.facts[-1].on
    second = replace(receipt("x", on, amount, scope, 99), kind=SECOND_RECEIPT)
    undone = Fact("rev_x", REVERSAL, moment(on, 999), on, reverses=second.id)

    taken_back, never = (
        replay(history.terms, [*history.facts, second, undone], on),
        replay(history.terms, history.facts, on),
    )

    assert taken_back.movements == never.movements
    assert (taken_back.unapplied_minor, taken_back.overpaid_minor) == (never.unapplied_minor, never.overpaid_minor)


@given(history=histories(), day=st.integers(0, 120))
def test_a_payoff_quote_paid_on_its_date_clears_the_loan_to_the_unit(history: History, day: int) -> None:
    on = history.facts[-1].on + timedelta(days=day)
    state = replay(history.terms, history.facts, on)
    before = state.overpaid_minor

    total = sum(state.quote(QuoteType.CLEAR, on).values())
    facts = [*history.facts, receipt("payoff", on, total, QuoteType.CLEAR, 999)] if total else list(history.facts)
    paid = replay(history.terms, facts, on)

    assert paid.outstanding_minor == 0
    assert paid.status == "CLEAR"
    assert paid.overpaid_minor == before
    assert total == 0 or paid.applied["rpy_payoff"] == (total, 0)


@given(history=histories(), day=st.integers(1, 120))
def test_a_payoff_paid_a_unit_short_does_not_clear_the_loan(history: History, day: int) -> None:
    on = history.facts[-1].on + timedelta(days=day)
    total = sum(replay(history.terms, history.facts, on).quote(QuoteType.CLEAR, on).values())
    if total < 2:
        return

    paid = replay(history.terms, [*history.facts, receipt("payoff", on, total - 1, QuoteType.CLEAR, 999)], on)

    assert paid.outstanding_minor == 1
    assert paid.status in ("USING", "OVD")


@given(history=histories(), day=st.integers(0, 120))
def test_a_quote_for_overdue_and_current_leaves_neither(history: History, day: int) -> None:
    on = history.facts[-1].on + timedelta(days=day)
    state = replay(history.terms, history.facts, on)
    before = state.overpaid_minor

    total = sum(state.quote(QuoteType.OVD_AND_CURRENT, on).values())
    facts = [*history.facts, receipt("due", on, total, n=999)] if total else list(history.facts)
    paid = replay(history.terms, facts, on)

    assert paid.overpaid_minor == before
    assert sum(paid.quote(QuoteType.OVD_AND_CURRENT, on).values()) == 0
    assert paid.overdue_minor == 0
    current = next((i for i in paid.instalments if i.due_date >= on), None)
    assert current is None or current.outstanding == 0
    # And nothing has to be paid for it on its due date either: its whole interest is paid.
    assert current is None or replay(history.terms, facts, current.due_date).overdue_minor == 0


@given(
    history=histories(),
    day=st.integers(0, 120),
    ahead=st.integers(1, 60),
    scope=st.sampled_from([QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT]),
)
def test_a_quote_for_a_day_to_come_is_the_quote_of_that_day(history: History, day: int, ahead: int, scope: str) -> None:
    today = history.facts[-1].on + timedelta(days=day)
    then = today + timedelta(days=ahead)

    early = replay(history.terms, history.facts, today).quote(scope, then)
    late = replay(history.terms, history.facts, then).quote(scope, then)

    assert early == late


@given(history=histories(), day=st.integers(0, 120))
def test_asking_for_a_quote_changes_nothing(history: History, day: int) -> None:
    on = history.facts[-1].on + timedelta(days=day)
    state = replay(history.terms, history.facts, on)
    before, told = dump(state), list(state.movements)

    state.quote(QuoteType.CLEAR, on)
    state.quote(QuoteType.OVD_AND_CURRENT, on)

    assert (dump(state), state.movements) == (before, told)


@given(history=histories(), day=st.integers(0, 200))
def test_accrual_periods_tile_time_without_gap_or_overlap(history: History, day: int) -> None:
    state = replay(history.terms, history.facts, history.facts[-1].on + timedelta(days=day))

    periods = [movement.period for movement in state.movements if movement.period]

    assert all(start < stop for start, stop in periods)
    assert all(one[1] == other[0] for one, other in pairwise(periods))
    assert not periods or periods[0][0] == history.terms.start
    assert not periods or periods[-1][1] <= state.accrued_to


@given(history=histories(), day=st.integers(0, 200))
def test_no_bucket_is_ever_negative_or_overpaid(history: History, day: int) -> None:
    last = history.last_day + day
    for state in map(history.at, sorted({0, last // 3, last // 2, last})):
        for instalment in state.instalments:
            for bucket in ACCOUNTS:
                assert 0 <= getattr(instalment, bucket + "_paid") <= getattr(instalment, bucket), bucket
        assert state.overpaid_minor >= 0
        assert sum(i.principal for i in state.instalments) == history.terms.principal_minor
        assert state.outstanding_minor >= state.overdue_minor >= 0


@given(history=histories(), day=st.integers(0, 200))
def test_the_movements_add_up_to_the_balances(history: History, day: int) -> None:
    state = replay(history.terms, history.facts, history.facts[-1].on + timedelta(days=day))

    total = balances(state)

    assert all(amount > 0 for m in state.movements for _, _, amount in m.postings)
    assert sum(total.values()) == 0
    for bucket, account in ACCOUNTS.items():
        assert total[account] == sum(i.unpaid(bucket) for i in state.instalments), bucket
    assert total["2101"] == -state.overpaid_minor
    assert total["2102"] == -state.unapplied_minor
    assert total["1002:wallet"] == sum(fact.amount_minor for fact in history.facts if fact.kind == RECEIPT)
    assert total["2001"] == 0


@given(history=histories(), day=st.integers(0, 200))
def test_what_was_received_is_applied_overpaid_or_unapplied(history: History, day: int) -> None:
    state = replay(history.terms, history.facts, history.facts[-1].on + timedelta(days=day))

    received = {fact.id: fact.amount_minor for fact in history.facts if fact.kind == RECEIPT}
    gone = {fact.reverses for fact in history.facts if fact.reverses}

    assert {id: sum(parts) for id, parts in state.applied.items()} == {
        id: amount for id, amount in received.items() if id not in gone
    }
    assert state.unapplied_minor == sum(amount for id, amount in received.items() if id in gone)
    assert state.paid_minor == sum(applied for applied, _ in state.applied.values())
    assert state.overpaid_minor == sum(over for _, over in state.applied.values())


@given(history=histories(), day=st.integers(0, 200))
def test_a_state_survives_being_stored(history: History, day: int) -> None:
    state = replay(history.terms, history.facts, history.facts[-1].on + timedelta(days=day))

    again = load(history.terms, dump(state))

    assert same(state, again)
    assert again.instalments == state.instalments
    assert (again.status, again.outstanding_minor) == (state.status, state.outstanding_minor)
    again.touch(state.as_of + timedelta(days=400))
    state.touch(state.as_of + timedelta(days=400))
    assert same(state, again)


@given(history=histories(), data=st.data())
def test_a_loan_looked_at_every_night_is_the_loan_replayed_in_one_go(history: History, data: st.DataObject) -> None:
    """What the books do: keep a state, take each fact as it comes, touch it when a due date has passed, store it between."""
    terms, end = history.terms, history.facts[-1].on + timedelta(days=data.draw(st.integers(0, 90)))
    gone = {fact.reverses for fact in history.facts}
    nights = data.draw(st.sets(st.integers(0, (end - terms.start).days), max_size=20))
    dates = sorted({terms.start + timedelta(days=day) for day in nights} | {fact.on for fact in history.facts})
    state, told = replay(terms, [], terms.start), []
    for today in dates:
        state = load(terms, dump(state))
        state.touch(today)
        told += state.movements
        for fact in (fact for fact in history.facts if fact.on == today):
            state = load(terms, dump(state))
            take(state, fact, void=fact.id in gone)
            state.touch(today)
            told += state.movements
    state = load(terms, dump(state))
    state.touch(end)
    told += state.movements

    once = replay(terms, history.facts, end)

    assert same(state, once)
    assert Counter(told) == Counter(once.movements)  # A receipt and the interest up to it may come in either order.


@given(history=histories(), data=st.data())
def test_the_status_is_clear_exactly_when_nothing_is_owed(history: History, data: st.DataObject) -> None:
    day = data.draw(st.integers(0, history.last_day + 90))
    state = history.at(day)

    owed = sum(balances(state)[account] for account in ACCOUNTS.values())

    assert owed == state.outstanding_minor
    assert (state.status == "CLEAR") == (owed == 0)
    assert (state.status == "OVD") == (state.overdue_minor > 0)


@given(product=products(), principal=st.integers(1, 10**7), start=st.dates(date(2023, 12, 1), date(2026, 3, 1)))
def test_a_loan_repaid_on_its_due_dates_costs_what_its_schedule_says(
    product: Product, principal: int, start: date
) -> None:
    terms = ada(product, principal, start)
    plan = schedule(product, principal, start)
    # A flat loan whose principal is all back earns nothing more, whatever its schedule still had in store.
    assume(product.method is not Method.FLAT or all(line.principal_minor for line in plan))
    facts = [paid_out(terms)]
    for line in plan:
        quote = replay(terms, facts, line.due_date).quote(QuoteType.OVD_AND_CURRENT, line.due_date)
        assert sum(quote.values()) == line.due_minor
        if line.due_minor:
            facts.append(receipt(str(line.n), line.due_date, line.due_minor))

    state = replay(terms, facts, plan[-1].due_date)

    assert state.status == "CLEAR"
    assert [(i.principal, i.interest) for i in state.instalments] == [
        (line.principal_minor, line.interest_minor) for line in plan
    ]
    assert state.overpaid_minor == 0


# --- examples ---


def test_borrowed_today_and_repaid_today_costs_a_day() -> None:
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


def test_what_is_paid_within_its_days_of_grace_grows_no_penalty_afterwards() -> None:
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


def test_a_repayment_undone_leaves_the_later_one_in_its_place() -> None:
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


def test_a_loan_that_is_opened_again_after_it_was_settled_tells_of_the_days_between_as_of_any_others() -> None:
    terms, settled, looked, opened = ada(), START + timedelta(days=20), START + timedelta(days=30), date(2026, 3, 15)
    back = Fact("edt_a", EDIT, moment(opened), opened, -50_000, edit_kind=MODIFY_PAID_AMOUNT)
    facts = [paid_out(terms), receipt("a", settled, 100_900, QuoteType.CLEAR), receipt("b", looked, 500), back]

    state = replay(terms, facts, date(2026, 4, 30))

    periods = [movement.period for movement in state.movements if movement.period]
    assert [period for period in periods if period[0] == settled] == [(settled, date(2026, 3, 31))]
    assert all(one[1] == other[0] for one, other in pairwise(periods))


def test_too_much_is_an_amount_and_not_a_status() -> None:
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
    assert state.next_touch() is None


def test_the_next_look_at_a_loan_is_on_the_day_after_a_due_date() -> None:
    terms = ada()

    assert replay(terms, [paid_out(terms)], date(2026, 2, 28)).next_touch() == date(2026, 3, 1)
    assert replay(terms, [paid_out(terms)], date(2026, 3, 1)).next_touch() == date(2026, 4, 1)
    assert replay(terms, [paid_out(terms)], date(2027, 2, 1)).next_touch() is None
