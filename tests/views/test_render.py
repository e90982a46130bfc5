"""A loan as JSON: the page and its instalments, from a state and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mocklend.domain.facts import DISBURSEMENT, EDIT, MODIFY_BILL_AMOUNT, RECEIPT, Fact, Terms
from mocklend.domain.product import Method, Penalty, Product
from mocklend.domain.replay import LoanState, replay
from mocklend.domain.statuses import SHOWN_FOR_OVERRIDE, QuoteType
from mocklend.lending.books import state_of
from mocklend.storage.entities import Loan
from mocklend.storage.values import StatusOverride
from mocklend.views.render import conflicting_override, instalment_docs, loan_doc, next_due, overridden_status
from support.story import Story

START = date(2026, 1, 5)
PRODUCT = Product(method=Method.EQUAL_PRINCIPAL, terms=3, rate="0.365", penalty=Penalty(grace_days=3))
"""A tenth of a per cent a day; due on the 5th of February, March and April, late from the fourth day after."""
LENT = Fact("loan_a", DISBURSEMENT, 0, START, 300_000, "bank_transfer")


def at(day: int, *facts: Fact, product: Product = PRODUCT) -> LoanState:
    """Ada's 3,000.00, so many days after she got them."""
    return replay(Terms("loan_a", "CNY", 300_000, START, product), [LENT, *facts], START + timedelta(days=day))


def paid(day: int, amount_minor: int, scope: str = QuoteType.OVD_AND_CURRENT) -> Fact:
    """Money that came in on a day."""
    return Fact(f"rpy_{day}", RECEIPT, day + 1, START + timedelta(days=day), amount_minor, "wallet", scope)


def statuses(state: LoanState) -> list[str]:
    return [line["status"] for line in instalment_docs(state)]


# --- the page ---


def test_a_page_has_the_figures_of_the_state(story: Story) -> None:
    loan_id = story.borrow()
    story.wait(days=40)
    story.repay(loan_id, 20_000)
    loan = story.entity(Loan, loan_id)
    state = state_of(loan)

    doc = loan_doc(loan, state, story.now_ms)

    assert doc == story.page(loan_id)
    assert (doc["id"], doc["version"], doc["status"]) == (loan_id, loan.version, state.status)
    assert (doc["outstanding_minor"], doc["outstanding_principal_minor"], doc["overdue_minor"]) == (
        state.outstanding_minor, state.outstanding_principal_minor, state.overdue_minor,
    )  # fmt: skip
    assert (doc["overpaid_minor"], doc["paid_minor"]) == (state.overpaid_minor, state.paid_minor)
    assert (doc["currency"], doc["principal_minor"]) == ("CNY", 100_000)


@pytest.mark.parametrize(("bill", "expected"), SHOWN_FOR_OVERRIDE.items())
def test_a_status_override_changes_the_shown_status_only(story: Story, bill: str, expected: str) -> None:
    loan = story.entity(Loan, story.borrow())
    pinned = replace(loan, status_override=StatusOverride("edt_a", bill))

    honest, doc = (loan_doc(item, state_of(item), story.now_ms) for item in (loan, pinned))

    assert (overridden_status(loan), overridden_status(pinned)) == (None, expected)
    assert doc == honest | {"status": expected}


@pytest.mark.parametrize(("bill", "wrong"), [("VALID", False), ("OVERDUE", True), ("CLEAR", True)])
def test_a_status_override_is_wrong_if_the_books_derive_another(story: Story, bill: str, wrong: bool) -> None:
    loan = story.entity(Loan, story.borrow())
    pinned = replace(loan, status_override=StatusOverride("edt_a", bill, since_ms=7, since_version=2))

    assert conflicting_override(loan) is None
    assert conflicting_override(pinned) == (pinned.status_override if wrong else None)


# --- what is due next ---


def test_what_is_due_next_has_all_the_interest_it_will_have_by_then() -> None:
    assert next_due(at(0)) == {"n": 1, "due_date": "2026-02-05", "due_minor": 100_000 + 31 * 300}


def test_what_is_due_next_moves_on_with_the_calendar_and_with_the_money() -> None:
    on_the_day, after = at(31), at(32)
    ahead = at(10, paid(10, 100_000 + 10 * 300 + 21 * 200))

    assert [due["n"] for due in (next_due(on_the_day), next_due(after)) if due is not None] == [1, 2]
    assert next_due(ahead) == {"n": 2, "due_date": "2026-03-05", "due_minor": 100_000 + 28 * 200}


def test_nothing_is_due_next_once_all_is_paid_or_every_date_has_passed() -> None:
    everything = sum(at(10).quote(QuoteType.CLEAR, START + timedelta(days=10)).values())

    assert next_due(at(10, paid(10, everything, QuoteType.CLEAR))) is None
    assert next_due(at(200)) is None


# --- the instalments ---


def test_an_instalment_is_pending_then_due_then_in_its_grace_and_then_overdue() -> None:
    assert statuses(at(0)) == ["DUE", "PENDING", "PENDING"]
    assert statuses(at(31)) == ["DUE", "DUE", "PENDING"]
    assert statuses(at(34)) == ["DUE", "DUE", "PENDING"]
    assert statuses(at(35)) == ["OVD", "DUE", "PENDING"]


def test_a_partly_paid_instalment_is_partial_until_it_is_overdue() -> None:
    some = paid(10, 50_000)

    assert statuses(at(10, some))[0] == "PARTIAL"
    assert statuses(at(35, some))[0] == "OVD"


def test_an_instalment_is_clear_when_its_whole_interest_is_paid_too() -> None:
    whole = 100_000 + 10 * 300 + 21 * 200  # For 21 days a third of the principal is not lent.

    assert statuses(at(10, paid(10, whole)))[0] == "CLEAR"
    assert statuses(at(10, paid(10, whole - 1)))[0] == "PARTIAL"


def test_a_fee_is_on_the_instalment_of_its_due_date() -> None:
    fee = Fact("edt_a", EDIT, 5, START + timedelta(days=40), 500, edit_kind=MODIFY_BILL_AMOUNT)

    assert [line["fee_minor"] for line in instalment_docs(at(40, fee))] == [0, 500, 0]


@given(
    day=st.integers(0, 200),
    payments=st.lists(st.tuples(st.integers(0, 150), st.integers(1, 200_000)), max_size=3, unique_by=lambda p: p[0]),
    method=st.sampled_from(Method),
)
def test_every_instalment_adds_up_and_all_of_them_to_the_page(
    day: int, payments: Sequence[tuple[int, int]], method: Method
) -> None:
    product = Product(method=method, terms=3, rate="0.365", penalty=Penalty(grace_days=3))
    facts = [paid(*payment) for payment in payments if payment[0] <= day]
    state = at(day, *facts, product=product)

    lines = instalment_docs(state)

    for line in lines:
        parts = (line["principal_minor"], line["interest_minor"], line["fee_minor"], line["penalty_minor"])
        paid_parts = (
            line["principal_paid_minor"], line["interest_paid_minor"], line["fee_paid_minor"], line["penalty_paid_minor"],
        )  # fmt: skip
        assert (line["due_minor"], line["paid_minor"]) == (sum(parts), sum(paid_parts))
        assert 0 <= line["paid_minor"] <= line["due_minor"]
        assert (line["status"] == "CLEAR") == (line["paid_minor"] == line["due_minor"])
    assert sum(line["principal_minor"] for line in lines) == 300_000
    assert sum(line["paid_minor"] for line in lines) == state.paid_minor
    assert [line["from_date"] for line in lines[1:]] == [line["due_date"] for line in lines[:-1]]
    late = sum(line["due_minor"] - line["paid_minor"] for line in lines if line["status"] == "OVD")
    assert late == state.overdue_minor
