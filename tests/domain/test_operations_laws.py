"""Laws of operator edits after any history: the five amount edits, waivers, charges, write-offs and refunds."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from mocklend.domain.effects import edit_minor_max, edit_minor_min
from mocklend.domain.facts import (
    CHARGE,
    CHARGE_FEE,
    CHARGE_PENALTY,
    DISBURSEMENT,
    EDIT,
    MODIFY_BILL_AMOUNT,
    MODIFY_BILL_OVERDUE_AMOUNT,
    MODIFY_PAID_AMOUNT,
    MODIFY_PAID_REVOKE_AMOUNT,
    MODIFY_REVOKE_AMOUNT,
    RECEIPT,
    REFUND_AGREED,
    REFUND_PAID,
    REVERSAL,
    WAIVE_FEE,
    WAIVE_INTEREST,
    WAIVE_PENALTY,
    WRITE_OFF,
    Fact,
    Terms,
)
from mocklend.domain.product import PRODUCTS, Excess, Method, Penalty, PenaltyBase, Product
from mocklend.domain.replay import LoanState, apply_fact, replay
from mocklend.domain.statuses import QuoteType

START = date(2026, 1, 31)
BILL = (MODIFY_BILL_AMOUNT, MODIFY_BILL_OVERDUE_AMOUNT, MODIFY_REVOKE_AMOUNT)
MONEY = (MODIFY_PAID_AMOUNT, MODIFY_PAID_REVOKE_AMOUNT)
WAIVERS = (WAIVE_FEE, WAIVE_INTEREST, WAIVE_PENALTY)
BUCKETS = ("principal", "interest", "fee", "penalty_principal", "penalty_interest")

OFFERED = [
    PRODUCTS["jiebei-like"],
    Product(method=Method.EQUAL_PRINCIPAL, terms=3, rate="0.36", excess=Excess.LAST_INSTALMENT),
    Product(
        method=Method.EQUAL_INSTALMENT,
        terms=4,
        rate="0.24",
        excess=Excess.REAMORTIZE,
        penalty=Penalty("1.5", PenaltyBase.PRINCIPAL_AND_INTEREST, 3),
    ),
    Product(method=Method.BULLET, terms=1, rate="0.1"),
]


def at(day: int, n: int = 0) -> tuple[int, date]:
    """A moment of a day of the loan, and its date."""
    on = START + timedelta(days=day)
    return on.toordinal() * 86_400_000 + n, on


@st.composite
def loans(draw: st.DrawFn) -> tuple[Terms, list[Fact], int]:
    """A loan with money on it, taken back and charged on its way, and the day on which operations look at it."""
    principal = draw(st.integers(1_000, 500_000))
    terms = Terms("loan_a", "CNY", principal, START, draw(st.sampled_from(OFFERED)))
    at_ms, on = at(0)
    facts = [Fact("loan_a", DISBURSEMENT, at_ms, on, principal, "bank_transfer")]
    day = 0
    for n in range(draw(st.integers(0, 5))):
        day += draw(st.integers(0, 40))
        at_ms, on = at(day, n + 1)
        action = draw(st.sampled_from(["receipt", "receipt", "taken back", "fee", "penalty", "refunded", "returned"]))
        amount = draw(st.integers(1, principal))
        if action in ("receipt", "taken back"):
            scope = draw(st.sampled_from([QuoteType.CLEAR, QuoteType.OVD_AND_CURRENT]))
            facts.append(Fact(f"rpy_{n}", RECEIPT, at_ms, on, amount, "wallet", scope))
            if action == "taken back":
                facts.append(Fact(f"rev_{n}", REVERSAL, at_ms + 1, on, reverses=f"rpy_{n}"))
        elif action in ("fee", "penalty"):
            kind = CHARGE_FEE if action == "fee" else CHARGE_PENALTY
            due = on + timedelta(days=draw(st.integers(0, 90)))
            facts.append(Fact(f"edt_{n}", CHARGE, at_ms, on, amount % 5_000 + 1, edit_kind=kind, due=due))
        elif action == "returned":
            facts.append(Fact(f"edt_{n}", EDIT, at_ms, on, amount // 2 + 1, edit_kind=MODIFY_PAID_REVOKE_AMOUNT))
        else:
            facts.append(Fact(f"edt_{n}", REFUND_AGREED, at_ms, on, amount))
            facts.append(Fact(f"out_{n}", REFUND_PAID, at_ms + 1, on, amount, "wallet"))
    return terms, facts, day + draw(st.integers(0, 60))


def with_interest(terms: Terms, facts: list[Fact], day: int) -> LoanState:
    """The loan with interest up to today, as operations staff see it."""
    state = replay(terms, facts, at(day)[1])
    state.accrue(at(day)[1])
    return state


def edit(kind: str, amount: int, day: int, n: int = 50) -> Fact:
    """An edit on that day."""
    at_ms, on = at(day, n)
    return Fact(f"edt_new{n}", EDIT, at_ms, on, amount, edit_kind=kind)


def owed_on_top(state: LoanState) -> int:
    """What is owed beyond the money that is set aside for interest to come.

    Less principal bears less interest: a waiver frees a part of what was set aside, and that repays principal.
    """
    return state.outstanding_minor - state.ahead_minor


def ledger(state: LoanState) -> Counter[str]:
    """Debits less credits of every account, from the movements."""
    total: Counter[str] = Counter()
    for movement in state.movements:
        for debit, credit, amount in movement.postings:
            assert amount > 0
            total[debit] += amount
            total[credit] -= amount
    return total


def stands(state: LoanState) -> None:
    """No bucket is negative or overpaid, and every sum is a balance of the ledger."""
    for i in state.instalments:
        for bucket in BUCKETS:
            assert 0 <= getattr(i, bucket + "_paid") <= getattr(i, bucket), (i.n, bucket)
    total = ledger(state)
    assert sum(total.values()) == 0
    assert sum(total[account] for account in ("1101", "1102", "1103", "1104", "1105")) == state.outstanding_minor
    assert -total["2101"] == state.overpaid_minor >= 0
    assert -total["2102"] == state.unapplied_minor >= 0
    assert -total["2103"] == state.refunding_minor >= 0


def interest_between(before: LoanState, after: LoanState) -> int:
    """What was earned in between: paying an instalment before it is due pays its whole interest."""
    earned = [ledger(state) for state in (before, after)]
    return -sum((earned[1][account] - earned[0][account]) for account in ("4001", "4002"))


def possible(state: LoanState, kind: str, data: st.DataObject) -> int:
    """An amount that the loan takes, or none: then this is no example."""
    least, most = edit_minor_min(state, kind), min(edit_minor_max(state, kind), 10**7)
    assume(least < 0 or most > 0)
    amount = data.draw(st.integers(least, most))
    assume(amount != 0)
    return amount


@given(loan=loans(), kind=st.sampled_from([*BILL, *MONEY, *WAIVERS]), data=st.data())
def test_an_edit_within_its_bounds_balances_and_leaves_no_bucket_negative(
    loan: tuple[Terms, list[Fact], int], kind: str, data: st.DataObject
) -> None:
    terms, facts, day = loan
    stands(with_interest(terms, facts, day))
    amount = possible(with_interest(terms, facts, day), kind, data)

    after = replay(terms, [*facts, edit(kind, amount, day)], at(day)[1])

    stands(after)


@given(loan=loans(), kind=st.sampled_from([*BILL, *MONEY, *WAIVERS]), amount=st.integers(-(10**7), 10**7))
def test_an_edit_beyond_its_bounds_balances_and_leaves_no_bucket_negative_or_overpaid(
    loan: tuple[Terms, list[Fact], int], kind: str, amount: int
) -> None:
    terms, facts, day = loan

    stands(replay(terms, [*facts, edit(kind, amount, day)], at(day)[1]))


@given(loan=loans(), kind=st.sampled_from(BILL), data=st.data())
def test_an_edit_of_the_bill_moves_what_is_owed_by_its_amount(
    loan: tuple[Terms, list[Fact], int], kind: str, data: st.DataObject
) -> None:
    terms, facts, day = loan
    before = with_interest(terms, facts, day)
    amount = possible(before, kind, data)

    after = replay(terms, [*facts, edit(kind, amount, day)], at(day)[1])

    sign = -1 if kind == MODIFY_REVOKE_AMOUNT else 1
    assert owed_on_top(after) == owed_on_top(before) + sign * amount
    assert (after.paid_minor, after.overpaid_minor) == (before.paid_minor, before.overpaid_minor)


@given(loan=loans(), kind=st.sampled_from(BILL), data=st.data())
def test_an_edit_of_the_bill_and_its_opposite_owe_what_was_owed(
    loan: tuple[Terms, list[Fact], int], kind: str, data: st.DataObject
) -> None:
    terms, facts, day = loan
    before = with_interest(terms, facts, day)
    amount = possible(before, kind, data)

    after = replay(terms, [*facts, edit(kind, amount, day), edit(kind, -amount, day, 51)], at(day)[1])

    assert owed_on_top(after) == owed_on_top(before)
    assert after.revoked_minor == before.revoked_minor


@given(loan=loans(), kind=st.sampled_from(MONEY), data=st.data())
def test_moving_paid_money_and_moving_it_back_leaves_the_money_where_it_was(
    loan: tuple[Terms, list[Fact], int], kind: str, data: st.DataObject
) -> None:
    terms, facts, day = loan
    before = with_interest(terms, facts, day)
    amount = possible(before, kind, data)
    there = replay(terms, [*facts, edit(kind, amount, day)], at(day)[1])
    moved = there.paid_minor - before.paid_minor
    if moved == 0:
        return
    back = edit(kind, -moved if kind == MODIFY_PAID_AMOUNT else moved, day, 51)

    again = replay(terms, [*facts, edit(kind, amount, day), back], at(day)[1])

    stands(again)
    if moved > 0:
        assert again.paid_minor == before.paid_minor
        assert (again.unapplied_minor, again.overpaid_minor) == (before.unapplied_minor, before.overpaid_minor)
        assert again.outstanding_minor == before.outstanding_minor + interest_between(before, again)


@given(loan=loans(), data=st.data())
def test_a_reversed_operator_action_leaves_the_loan_as_if_it_had_never_been(
    loan: tuple[Terms, list[Fact], int], data: st.DataObject
) -> None:
    terms, facts, day = loan
    at_ms, on = at(day, 50)
    act = data.draw(
        st.sampled_from(
            [
                edit(MODIFY_PAID_AMOUNT, 1_000, day),
                edit(MODIFY_PAID_REVOKE_AMOUNT, 1_000, day),
                edit(MODIFY_REVOKE_AMOUNT, 1_000, day),
                edit(WAIVE_PENALTY, -10, day),
                Fact("edt_new", CHARGE, at_ms, on, 700, edit_kind=CHARGE_FEE, due=on),
                Fact("edt_new", WRITE_OFF, at_ms, on, 1),
            ]
        )
    )
    later = data.draw(st.lists(st.integers(1, 50_000), max_size=2))
    more = [
        Fact(f"rpy_later{n}", RECEIPT, at_ms + 10 + n, on, x, "wallet", QuoteType.OVD_AND_CURRENT)
        for n, x in enumerate(later)
    ]
    undone = Fact("rev_new", REVERSAL, at_ms + 100, on, reverses=act.id)

    reversed_, never = (replay(terms, some, on) for some in ([*facts, act, *more, undone], [*facts, *more]))

    assert reversed_.movements == never.movements
    assert reversed_.applied == never.applied


@given(loan=loans(), parts=st.lists(st.integers(1, 100_000), max_size=4))
def test_money_after_a_write_off_is_a_recovery_until_the_loss_is_recovered(
    loan: tuple[Terms, list[Fact], int], parts: list[int]
) -> None:
    terms, facts, day = loan
    before = with_interest(terms, facts, day)
    # What was set aside for interest to come pays first: none is to come any more.
    lost = before.outstanding_minor - before.ahead_minor
    assume(lost > 0)
    at_ms, on = at(day, 50)
    state = replay(terms, [*facts, Fact("edt_new", WRITE_OFF, at_ms, on, 1)], on)
    assert (state.status, state.outstanding_minor) == ("OFF", 0)
    assert state.written_off_minor == lost

    for n, amount in enumerate(parts):
        apply_fact(
            state, Fact(f"rpy_later{n}", RECEIPT, at_ms + 10 + n, on, amount, "wallet", QuoteType.OVD_AND_CURRENT)
        )

    stands(state)
    assert state.recovered_minor == min(sum(parts), lost)
    assert state.overpaid_minor == before.overpaid_minor + sum(parts) - state.recovered_minor
    assert state.status == ("CLEAR" if state.recovered_minor == state.written_off_minor else "OFF")
    assert -ledger(state)["4003"] == state.recovered_minor


@given(loan=loans(), part=st.integers(1, 100_000))
def test_a_refund_is_posted_in_two_steps_and_changes_nothing_else(
    loan: tuple[Terms, list[Fact], int], part: int
) -> None:
    terms, facts, day = loan
    too_much = with_interest(terms, facts, day).outstanding_minor + 10_000 + part
    facts = [*facts, Fact("rpy_twice", RECEIPT, *at(day, 40), too_much, "wallet", QuoteType.CLEAR)]
    before = with_interest(terms, facts, day)
    amount = min(part, before.overpaid_minor)
    at_ms, on = at(day, 50)
    agreed = Fact("edt_new", REFUND_AGREED, at_ms, on, amount)

    promised = replay(terms, [*facts, agreed], on)
    paid = replay(terms, [*facts, agreed, Fact("out_new", REFUND_PAID, at_ms + 1, on, amount, "wallet")], on)

    assert promised.overpaid_minor == paid.overpaid_minor == before.overpaid_minor - amount
    assert promised.refunding_minor == before.refunding_minor + amount
    assert paid.refunding_minor == before.refunding_minor
    assert promised.outstanding_minor == paid.outstanding_minor
    stands(paid)


@given(loan=loans(), amount=st.integers(1, 10_000), ahead=st.integers(0, 400), kind=st.sampled_from(["fee", "penalty"]))
def test_a_charge_falls_due_on_its_day_or_next_after_it(
    loan: tuple[Terms, list[Fact], int], amount: int, ahead: int, kind: str
) -> None:
    terms, facts, day = loan
    before = with_interest(terms, facts, day)
    at_ms, on = at(day, 50)
    due = on + timedelta(days=ahead)

    after = replay(terms, [*facts, Fact("edt_new", CHARGE, at_ms, on, amount, edit_kind=kind, due=due)], on)

    bucket = "fee" if kind == CHARGE_FEE else "penalty_principal"
    grown = [b.due_date for a, b in zip(before.instalments, after.instalments, strict=True)
             if getattr(b, bucket) > getattr(a, bucket)]  # fmt: skip
    assert grown == [next((i.due_date for i in after.instalments if i.due_date >= due), after.instalments[-1].due_date)]
    assert after.outstanding_minor == before.outstanding_minor + amount
    stands(after)
