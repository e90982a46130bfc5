"""Posting facts: in whatever order they come, the books equal their replay."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mocklend.storage.entities import Loan, OperatorEdit, Repayment
from support.story import Story


def test_a_late_receipt_counts_from_when_the_channel_had_it(story: Story) -> None:
    on_time, late = story.borrow(), story.borrow(borrower="bob")
    amount = story.quote(on_time, "OVD_AND_CURRENT")["total_minor"]
    story.repay(on_time, amount)
    unheard = story.order(late, amount)
    story.settle_silently(unheard)

    story.sleep(days=40)
    story.query_channel(unheard)

    heard = story.entity(Repayment, unheard)
    assert heard.paid_ms is not None
    assert heard.applied_ms is not None
    assert heard.paid_ms < heard.applied_ms
    story.wait(0)
    first, other = story.page(on_time), story.page(late)
    same = ("status", "outstanding_minor", "overdue_minor", "overpaid_minor", "paid_minor", "next_due")
    assert {name: first[name] for name in same} == {name: other[name] for name in same}
    assert story.discrepancies() == []


def test_the_penalty_in_between_disappears_with_a_late_receipt(story: Story) -> None:
    loan_id = story.borrow()
    unheard = story.order(loan_id, story.quote(loan_id, "OVD_AND_CURRENT")["total_minor"])
    story.settle_silently(unheard)
    story.sleep(days=40)
    story.edit(loan_id, 100)  # Touches the loan: 9 days of penalty are posted.
    posted = sum(p["amount_minor"] for t in story.journal(loan_id) for p in t["postings"] if p["debit"] == "1103")
    assert posted > 0
    assert story.page(loan_id)["status"] == "OVD"

    story.query_channel(unheard)

    taken_back = sum(p["amount_minor"] for t in story.journal(loan_id) for p in t["postings"] if p["credit"] == "1103")
    assert taken_back == posted
    assert story.page(loan_id)["status"] == "USING"
    assert story.discrepancies() == []


def test_what_later_repayments_settled_follows_from_a_late_one(story: Story) -> None:
    loan_id = story.borrow()
    unheard = story.order(loan_id, 60_000, type="CLEAR")
    story.settle_silently(unheard)
    story.sleep(days=2)
    payoff = story.order(loan_id, story.quote(loan_id)["total_minor"], "bank_card", "CLEAR")
    story.settle_silently(payoff)
    story.query_channel(payoff)
    before = story.entity(Repayment, payoff)
    assert before.overpaid_minor == 0

    story.query_channel(unheard)

    after = story.entity(Repayment, payoff)
    assert after.applied_minor + after.overpaid_minor == after.amount_minor
    assert after.overpaid_minor == 60_000 + 27  # The late money, and the interest of a day on it.
    assert story.page(loan_id)["overpaid_minor"] == after.overpaid_minor
    assert story.entity(Repayment, unheard).overpaid_minor == 0
    story.wait(0)
    assert story.discrepancies() == []


def test_reversing_a_repayment_replays_the_later_ones(story: Story) -> None:
    loan_id = story.borrow()
    first = story.repay(loan_id, 60_000, type="CLEAR")
    story.wait(days=2)
    payoff = story.settle(loan_id)
    assert story.page(loan_id)["status"] == "CLEAR"

    story.reverse(first)

    page = story.page(loan_id)
    assert page["status"] == "USING"
    assert story.entity(Repayment, payoff).applied_minor == story.entity(Repayment, payoff).amount_minor
    assert page["outstanding_minor"] == story.receivable(loan_id) == 60_000 + 27
    assert story.discrepancies() == []


def test_a_reversed_repayment_has_no_effect_except_unapplied_money(tell: Callable[..., Story]) -> None:
    first, other = tell(), tell()
    loan_id = first.borrow()
    assert other.borrow() == loan_id

    first.reverse(first.repay(loan_id, 5_000))
    other.wait(2)
    for story in (first, other):
        story.wait(days=40)
        story.repay(loan_id, 9_500)

    names = ("status", "outstanding_minor", "overdue_minor", "paid_minor", "overpaid_minor", "next_due")
    assert [first.page(loan_id)[name] for name in names] == [other.page(loan_id)[name] for name in names]
    assert first.discrepancies() == other.discrepancies() == []


def test_reversing_a_repayment_reverses_only_the_changed_transactions(story: Story) -> None:
    loan_id = story.borrow()
    repayment_id = story.repay(loan_id, 100)
    before = story.journal(loan_id)

    story.reverse(repayment_id)

    added = story.journal(loan_id)[len(before) :]
    assert [t["kind"] for t in added] == ["repayment_reversal"]
    assert added[0]["reverses"] == next(t["seq"] for t in before if t["kind"] == "repayment")


def test_a_due_date_that_passes_is_posted_once(story: Story) -> None:
    loan_id = story.borrow()

    released = story.wait(days=32)

    passed = [item["at"] for item in released if item["kind"] == "due_date"]
    assert passed == ["2026-02-05T16:00:00.000Z"]
    page = story.page(loan_id)
    assert (page["status"], page["as_of"]) == ("OVD", "2026-02-05T16:00:00.000Z")
    assert [t["kind"] for t in story.journal(loan_id)].count("accrual") == 1
    assert story.discrepancies() == []


def test_accruals_are_not_posted_day_by_day(story: Story) -> None:
    loan_id = story.borrow()

    story.wait(days=400)

    assert len(story.journal(loan_id)) == 2 + 12
    assert story.discrepancies() == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("repay"), st.integers(1, 60_000), st.sampled_from(["wallet", "bank_card", "bank_transfer"])),
        st.tuples(st.just("settle"), st.just(0), st.sampled_from(["wallet", "auto_debit"])),
        st.tuples(st.just("silent"), st.integers(1, 60_000), st.just("wallet")),
        st.tuples(st.just("query"), st.integers(0, 9), st.just("")),
        st.tuples(st.just("edit"), st.integers(-2_000, 2_000), st.sampled_from(["", "OVERDUE_"])),
        st.tuples(st.just("undo"), st.integers(0, 9), st.just("")),
        st.tuples(st.just("undo edit"), st.integers(0, 9), st.just("")),
        st.tuples(st.just("wait"), st.integers(0, 70), st.just("")),
        st.tuples(st.just("sleep"), st.integers(0, 70), st.just("")),
    ),
    max_size=9,
)


@settings(max_examples=60)
@given(steps=STEPS)
def test_any_history_without_a_fault_has_a_clean_audit(
    tell: Callable[..., Story], steps: list[tuple[str, int, str]]
) -> None:
    """Without a fault there is nothing but money whose callback is still in transit."""
    story = tell()
    loan_id = story.borrow()
    ids_by_kind: dict[str, list[str]] = {"repay": [], "silent": [], "edit": []}
    for action, n, how in steps:
        active = story.entity(Loan, loan_id).status in ("USING", "OVD")
        if action == "repay" and active:
            ids_by_kind["repay"].append(story.order(loan_id, n, how))
        elif action == "settle" and active:
            ids_by_kind["repay"].append(story.settle(loan_id, how))
        elif action == "silent" and active:
            ids_by_kind["silent"].append(story.order(loan_id, n, how))
            story.settle_silently(ids_by_kind["silent"][-1])
        elif action == "query" and ids_by_kind["silent"]:
            story.query_channel(ids_by_kind["silent"][n % len(ids_by_kind["silent"])])
        elif action == "edit" and active and n > 0:
            ids_by_kind["edit"].append(story.edit(loan_id, n, f"MODIFY_BILL_{how}AMOUNT"))
        elif action == "undo":
            ids = ids_by_kind["repay"] + ids_by_kind["silent"]
            applied = [id for id in ids if story.entity(Repayment, id).status == "S"]
            if applied:
                story.reverse(applied[n % len(applied)])
        elif action == "undo edit":
            live = [id for id in ids_by_kind["edit"] if story.entity(OperatorEdit, id).state == "APPLIED"]
            if live:
                story.reverse_edit(live[n % len(live)])
        elif action == "wait":
            story.wait(days=n)
        elif action == "sleep":
            story.sleep(days=n)

        assert story.discrepancies() == [], (action, n, how)
        assert story.receivable(loan_id) == story.page(loan_id)["outstanding_minor"]
    story.wait(days=3)
    moving = story.platform.audit(story.sandbox_id).in_transit
    assert [item for item in moving if item.entity.startswith("rpy_")] == []
    assert story.discrepancies() == []


@pytest.mark.parametrize("days", [31, 32, 60])
def test_a_receipt_of_the_past_may_come_before_or_after_the_end_of_day(tell: Callable[..., Story], days: int) -> None:
    early, late = tell(), tell()
    for story in (early, late):
        loan_id = story.borrow()
        repayment_id = story.order(loan_id, 9_500)
        story.settle_silently(repayment_id)
        if story is early:
            story.query_channel(repayment_id)
        story.sleep(days=days)
        if story is late:
            story.platform.writer.run_all([])
            story.query_channel(repayment_id)
        story.wait(0)

    names = ("status", "outstanding_minor", "overdue_minor", "paid_minor", "next_due")
    assert [early.page(loan_id)[name] for name in names] == [late.page(loan_id)[name] for name in names]
    assert early.discrepancies() == late.discrepancies() == []
