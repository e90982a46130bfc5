"""The laws of replay, the one function behind world, books and views, for random products and histories."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from mocklend.domain.facts import (
    RECEIPT,
    REVERSAL,
    SECOND_RECEIPT,
    Fact,
)
from mocklend.domain.product import (
    Method,
    Product,
)
from mocklend.domain.replay import ACCOUNTS, LoanState, apply_fact, dump, load, replay, same
from mocklend.domain.schedule import schedule
from mocklend.domain.statuses import QuoteType
from support.histories import History, _reversible, ada, histories, moment, paid_out, products, receipt


def balances(state: LoanState) -> Counter[str]:
    """Debits less credits of every account, from the movements."""
    total: Counter[str] = Counter()
    for movement in state.movements:
        for debit, credit, amount in movement.postings:
            total[debit] += amount
            total[credit] -= amount
    return total


def but_for_the_money(state: LoanState) -> str:
    """The stored state, without the unapplied money and the newest fact."""
    state.unapplied_minor, state.last = 0, (0, "")
    return dump(state)


@given(history=histories(), data=st.data())
def test_the_order_in_which_facts_arrive_never_matters(history: History, data: st.DataObject) -> None:
    arrived = data.draw(st.permutations(history.facts))
    on = history.facts[-1].on + timedelta(days=data.draw(st.integers(0, 90)))

    first, other = replay(history.terms, history.facts, on), replay(history.terms, arrived, on)

    assert same(first, other)
    assert first.movements == other.movements
    assert first.applied == other.applied


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
def test_a_reversed_reversal_has_no_effect(data: st.DataObject) -> None:
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
def test_a_second_receipt_that_is_reversed_leaves_nothing(data: st.DataObject, amount: int, scope: str) -> None:
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
    before, movements = dump(state), list(state.movements)

    state.quote(QuoteType.CLEAR, on)
    state.quote(QuoteType.OVD_AND_CURRENT, on)

    assert (dump(state), state.movements) == (before, movements)


@given(history=histories(), day=st.integers(0, 200))
def test_accrual_periods_tile_time_without_gap_or_overlap(history: History, day: int) -> None:
    state = replay(history.terms, history.facts, history.facts[-1].on + timedelta(days=day))

    periods = [movement.period for movement in state.movements if movement.period]

    assert all(start < stop for start, stop in periods)
    assert all(item[1] == other[0] for item, other in pairwise(periods))
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
def test_received_money_is_applied_overpaid_or_unapplied(history: History, day: int) -> None:
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
    again.roll_forward(state.as_of + timedelta(days=400))
    state.roll_forward(state.as_of + timedelta(days=400))
    assert same(state, again)


@given(history=histories(), data=st.data())
def test_a_loan_rolled_forward_daily_equals_the_loan_replayed_at_once(history: History, data: st.DataObject) -> None:
    """The books keep a state, apply each fact as it comes, roll it forward after each due date, and store it between."""
    terms, end = history.terms, history.facts[-1].on + timedelta(days=data.draw(st.integers(0, 90)))
    gone = {fact.reverses for fact in history.facts}
    nights = data.draw(st.sets(st.integers(0, (end - terms.start).days), max_size=20))
    dates = sorted({terms.start + timedelta(days=day) for day in nights} | {fact.on for fact in history.facts})
    state, facts = replay(terms, [], terms.start), []
    for today in dates:
        state = load(terms, dump(state))
        state.roll_forward(today)
        facts += state.movements
        for fact in (fact for fact in history.facts if fact.on == today):
            state = load(terms, dump(state))
            apply_fact(state, fact, void=fact.id in gone)
            state.roll_forward(today)
            facts += state.movements
    state = load(terms, dump(state))
    state.roll_forward(end)
    facts += state.movements

    once = replay(terms, history.facts, end)

    assert same(state, once)
    assert Counter(facts) == Counter(once.movements)  # A receipt and the interest up to it may come in either order.


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
