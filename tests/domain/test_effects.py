"""A loan after a failed payout, a returned receipt or a refund."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from mocklend.domain import facts as kinds
from mocklend.domain.facts import Fact, Terms
from mocklend.domain.product import PRODUCTS
from mocklend.domain.replay import LoanState, replay
from mocklend.domain.statuses import QuoteType

START = date(2026, 1, 5)
ADA_BORROWS = 100_000
TERMS = Terms("loan_ada", "CNY", ADA_BORROWS, START, PRODUCTS["jiebei-like"])


def fact(kind: str, day: int, amount: int = 0, *, id: str | None = None, **more: object) -> Fact:
    """Something that happened so many days after the start."""
    at_ms = day * 86_400_000
    return Fact(id or f"{kind}_{day}", kind, at_ms, START + timedelta(days=day), amount, "wallet", **more)  # type: ignore[arg-type]


def loan_on(*facts: Fact, day: int) -> LoanState:
    """The loan on a day, paid out on the first."""
    paid_out = fact(kinds.DISBURSEMENT, 0, ADA_BORROWS, id="loan_ada")
    return replay(TERMS, [paid_out, *facts], START + timedelta(days=day))


def balances(state: LoanState) -> dict[str, int]:
    """Every account that is not zero: debits less credits."""
    total: Counter[str] = Counter()
    for movement in state.movements:
        for debit, credit, amount in movement.postings:
            total[debit] += amount
            total[credit] -= amount
    return {account: amount for account, amount in total.items() if amount}


def test_a_loan_is_lending_until_the_channel_has_paid() -> None:
    accepted = fact(kinds.ACCEPTANCE, 0, ADA_BORROWS, id="loan_ada")

    waiting = replay(TERMS, [accepted], START)
    paid = replay(TERMS, [accepted, fact(kinds.DISBURSEMENT, 1, ADA_BORROWS)], START + timedelta(days=1))

    assert (waiting.status, balances(waiting)) == ("LENDING", {"1101": ADA_BORROWS, "2001": -ADA_BORROWS})
    assert (paid.status, balances(paid)["1002:wallet"]) == ("USING", -ADA_BORROWS)


def test_a_payout_that_fails_takes_back_the_loan_and_what_it_has_earned() -> None:
    accepted = fact(kinds.ACCEPTANCE, 0, ADA_BORROWS, id="loan_ada")

    state = replay(TERMS, [accepted, fact(kinds.PAYOUT_FAILURE, 3)], START + timedelta(days=60))

    assert state.status == "FAILED"
    assert state.outstanding_minor == 0
    assert balances(state) == {}
    assert any("4001" in leg for movement in state.movements for leg in movement.postings)


def test_a_receipt_that_its_channel_takes_back_reopens_the_loan_and_leaves_no_money() -> None:
    total = sum(loan_on(day=10).quote(QuoteType.CLEAR, START + timedelta(days=10)).values())
    receipt = fact(kinds.RECEIPT, 10, total, id="rpy_ada", scope=QuoteType.CLEAR)
    taken_back = fact(kinds.PAYMENT_RETURN, 12, total, reverses="rpy_ada")

    cleared, reopened, never = loan_on(receipt, day=12), loan_on(receipt, taken_back, day=12), loan_on(day=12)

    assert cleared.status == "CLEAR"
    assert reopened.status == "USING"
    assert balances(reopened) == balances(never)
    assert (reopened.unapplied_minor, reopened.overpaid_minor) == (0, 0)


def test_what_was_paid_on_a_loan_that_is_never_paid_out_is_overpaid() -> None:
    accepted = fact(kinds.ACCEPTANCE, 0, ADA_BORROWS, id="loan_ada")
    receipt = fact(kinds.RECEIPT, 2, 30_000, id="rct_ada", scope=QuoteType.CLEAR)

    state = replay(TERMS, [accepted, receipt, fact(kinds.PAYOUT_FAILURE, 3)], START + timedelta(days=60))

    assert (state.status, state.overpaid_minor, state.outstanding_minor) == ("FAILED", 30_000, 0)
    assert balances(state) == {"1002:wallet": 30_000, "2101": -30_000}


def test_returned_money_that_an_operator_has_applied_elsewhere_is_owed_again() -> None:
    receipt = fact(kinds.RECEIPT, 10, 5_000, id="rpy_ada")
    reversal = fact(kinds.REVERSAL, 11, reverses="rpy_ada")
    used = fact(kinds.EDIT, 12, 5_000, edit_kind=kinds.MODIFY_PAID_AMOUNT)
    taken_back = fact(kinds.PAYMENT_RETURN, 13, 5_000, reverses="rpy_ada")

    state = loan_on(receipt, reversal, used, taken_back, day=13)

    assert state.unapplied_minor == 0
    assert sum(i.fee for i in state.instalments) == 5_000
    assert balances(state)["1002:wallet"] == -ADA_BORROWS


def test_an_overpaid_amount_is_agreed_as_a_refund_and_then_paid() -> None:
    total = sum(loan_on(day=10).quote(QuoteType.CLEAR, START + timedelta(days=10)).values())
    receipt = fact(kinds.RECEIPT, 10, total + 700, id="rpy_ada", scope=QuoteType.CLEAR)
    agreed, paid = fact(kinds.REFUND_AGREED, 11, 700), fact(kinds.REFUND_PAID, 12, 700)

    promised, gone = loan_on(receipt, agreed, day=11), loan_on(receipt, agreed, paid, day=12)

    assert (balances(promised)["2103"], promised.overpaid_minor) == (-700, 0)
    assert "2103" not in balances(gone)
    assert balances(gone)["1002:wallet"] == total - ADA_BORROWS
    assert gone.status == "CLEAR"


def test_a_refund_that_history_no_longer_justifies_is_owed_again() -> None:
    total = sum(loan_on(day=10).quote(QuoteType.CLEAR, START + timedelta(days=10)).values())
    receipt = fact(kinds.RECEIPT, 10, total + 700, id="rpy_ada", scope=QuoteType.CLEAR)
    agreed, paid = fact(kinds.REFUND_AGREED, 11, 700), fact(kinds.REFUND_PAID, 12, 700)
    undone = fact(kinds.REVERSAL, 13, reverses="rpy_ada")

    state = loan_on(receipt, agreed, paid, undone, day=13)

    assert state.status == "USING"
    assert sum(i.fee for i in state.instalments) == 700
    assert sum(balances(state).values()) == 0


def test_a_compensation_is_an_expense_from_the_day_on_which_it_is_agreed() -> None:
    agreed, paid = fact(kinds.COMPENSATION_AGREED, 5, 5_000), fact(kinds.COMPENSATION_PAID, 6, 5_000)

    promised, gone = loan_on(agreed, day=5), loan_on(agreed, paid, day=6)

    assert (balances(promised)["5004"], balances(promised)["2104"]) == (5_000, -5_000)
    assert (balances(gone)["5004"], balances(gone)["1002:wallet"]) == (5_000, -ADA_BORROWS - 5_000)


def test_what_is_written_off_is_lost_until_it_is_recovered() -> None:
    given_up = fact(kinds.WRITE_OFF, 40)
    lost = loan_on(given_up, day=40)
    loss = lost.written_off_minor

    recovered = loan_on(given_up, fact(kinds.RECEIPT, 50, loss, id="rpy_late"), day=50)

    assert (lost.status, lost.outstanding_minor) == ("OFF", 0)
    assert balances(lost)["5002"] == loss > ADA_BORROWS
    assert recovered.status == "CLEAR"
    assert balances(recovered)["4003"] == -loss
