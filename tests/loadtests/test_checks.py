"""The checks of answers: honest answers have no violation, and a wrong one has a violation that names its fault."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from checks import (
    DROPPED,
    EXPIRED,
    LOST_CALLBACK,
    MARKED,
    RESIDUE,
    STALE,
    STICKY,
    TWICE,
    WRONG_AMOUNT,
    KnownLoan,
    Order,
    Violation,
    books,
    borrowed,
    edited,
    instalments,
    listed,
    ordered,
    page,
    problem,
    queried,
    quoted,
    repayment,
    reversed_edit,
    reversed_repayment,
    same_again,
    settled,
    trade,
)
from shared_state import SharedState

from mocklend.client import Doc

AS_OF = "2026-01-05T01:00:00.000Z"


def loan_page(**changed: object) -> Doc:
    """Ada's page: 1,000.00 borrowed, nothing paid."""
    return {
        "id": "loan_ada",
        "borrower_id": "brw_ada",
        "status": "USING",
        "principal_minor": 100_000,
        "outstanding_minor": 100_000,
        "outstanding_principal_minor": 100_000,
        "overdue_minor": 0,
        "overpaid_minor": 0,
        "paid_minor": 0,
        "version": 1,
        "as_of": AS_OF,
        **changed,
    }


def remembered_loan(version: int = 0) -> KnownLoan:
    """What a client remembers of Ada's loan."""
    return KnownLoan("loan_ada", 100_000, version)


def order(status: str = "PROCESSING") -> Order:
    """Ada's repayment by wallet."""
    return Order("rpy_ada", "loan_ada", "wallet", 100_000, "MLADA", status=status)


def repaid(**changed: object) -> Doc:
    """Ada's repayment, settled."""
    return {
        "id": "rpy_ada",
        "loan_id": "loan_ada",
        "status": "S",
        "amount_minor": 100_000,
        "applied_minor": 99_000,
        "overpaid_minor": 1_000,
        "channel": "wallet",
        "type": "CLEAR",
        "created_at": "2026-01-05T01:00:00.000Z",
        "paid_at": "2026-01-05T01:00:02.000Z",
        "applied_at": "2026-01-05T01:00:02.500Z",
        **changed,
    }


def claims(doubts: Iterable[Violation]) -> list[str]:
    """The claims that were not met."""
    return [violation.check for violation in doubts]


def only(doubts: Iterable[Violation]) -> Violation:
    """The one doubt there is."""
    (violation,) = doubts
    return violation


# --- pages ---


def test_an_honest_page_has_no_violation() -> None:
    clear = loan_page(status="CLEAR", outstanding_minor=0, outstanding_principal_minor=0, paid_minor=100_000, version=2)
    late = loan_page(status="OVD", overdue_minor=9_000, version=3)

    assert claims(page(loan_page(), remembered_loan())) == []
    assert claims(page(clear, remembered_loan())) == []
    assert claims(page(late, remembered_loan())) == []


def test_a_loan_shown_as_overdue_that_is_not_may_have_a_wrong_override() -> None:
    violation = only(page(loan_page(status="OVD"), remembered_loan()))

    assert violation.is_explained({MARKED})
    assert not violation.is_explained({STALE})
    assert not violation.is_explained(set())


@pytest.mark.parametrize("message", [{"status": "OVD"}, {"status": "CLEAR"}, {"status": "USING", "overdue_minor": 100}])
def test_a_status_that_contradicts_the_amounts_may_be_a_sticky_override(message: dict[str, object]) -> None:
    violation = only(page(loan_page(**message), remembered_loan()))

    assert violation.is_explained({STICKY})
    assert not violation.is_explained({STALE, DROPPED})


@pytest.mark.parametrize(
    "lie",
    [
        {"status": "CLEAR"},
        {"outstanding_minor": 0, "outstanding_principal_minor": 0},
        {"status": "LOST"},
        {"outstanding_minor": -1, "outstanding_principal_minor": -1},
        {"paid_minor": True},
        {"overdue_minor": 100_001, "status": "OVD"},
        {"id": "loan_bob"},
        {"version": 0},
        {"as_of": "yesterday"},
        {"as_of": "2026-01-05T01:00:00"},
    ],
)
def test_no_fault_explains_a_page_that_contradicts_itself(lie: dict[str, object]) -> None:
    doubts = list(page(loan_page(**lie), remembered_loan()))

    assert doubts
    assert not any(violation.is_explained({STALE, DROPPED, WRONG_AMOUNT, MARKED}) for violation in doubts)


def test_a_page_without_a_figure_is_not_complete() -> None:
    lacking = {name: value for name, value in loan_page().items() if name != "overdue_minor"}

    assert claims(page(lacking, remembered_loan())) == ["a page is complete"]


def test_a_version_may_lag_but_never_goes_back_for_one_client() -> None:
    mine = remembered_loan()
    assert claims(page(loan_page(version=4), mine)) == []
    assert claims(page(loan_page(version=4), mine)) == []

    violation = only(page(loan_page(version=3), mine))

    assert violation.check == "versions go forward for one client"
    assert not violation.is_explained({STALE, DROPPED})
    assert violation.is_explained({"read.non_monotonic"})


def test_a_version_has_one_content() -> None:
    mine = remembered_loan()
    list(page(loan_page(), mine))

    assert claims(page(loan_page(paid_minor=5), mine)) == ["a version has one content"]


def test_the_books_have_no_override_and_are_not_older_than_a_page() -> None:
    marked = loan_page(status="OVD")

    assert [violation.fault for violation in books(marked, remembered_loan())] == [None]
    assert claims(books(loan_page(version=2), remembered_loan(3))) == ["versions go forward for one client"]


def test_a_list_has_each_of_the_borrowers_loans_once() -> None:
    mine = {"loan_ada": remembered_loan()}
    stranger = loan_page(id="loan_bob")

    assert claims(listed([loan_page()], mine, complete=True)) == []
    assert claims(listed([], mine, complete=True)) == ["a list leaves no loan out"]
    assert claims(listed([], mine, complete=False)) == []
    assert claims(listed([loan_page(), stranger], mine, complete=True)) == ["a list has the borrower's loans only"]
    assert claims(listed([loan_page(), loan_page()], mine, complete=True)) == ["a list has a loan once"]


def row(**changed: object) -> Doc:
    """The one instalment of Ada's loan."""
    parts = dict.fromkeys(("principal", "interest", "fee", "penalty"), 0)
    plain = {f"{part}_minor": 0 for part in parts} | {f"{part}_paid_minor": 0 for part in parts}
    due = {"n": 1, "status": "DUE", "principal_minor": 100_000, "due_minor": 100_000, "paid_minor": 0}
    return plain | due | changed


def test_instalments_add_up() -> None:
    def of(*rows: dict[str, Any]) -> dict[str, Any]:
        return {"loan_id": "loan_ada", "version": 1, "as_of": AS_OF, "instalments": list(rows)}

    paid = {"principal_paid_minor": 100_000, "paid_minor": 100_000, "status": "CLEAR"}

    assert claims(instalments(of(row()), remembered_loan())) == []
    assert claims(instalments(of(row(**paid)), remembered_loan())) == []
    assert claims(instalments(of(row(**{**paid, "status": "DUE"})), remembered_loan())) == [
        "an instalment is CLEAR when it is paid"
    ]
    assert claims(instalments(of(row(due_minor=99_999)), remembered_loan())) == ["buckets add up to the instalment"]
    assert claims(instalments(of(row(n=2)), remembered_loan())) == ["instalments are numbered from 1"]
    assert claims(instalments(of(row(), row(n=2)), remembered_loan())) == ["instalments add up to the principal"]
    assert claims(instalments(of(row()), remembered_loan(5))) == ["versions go forward for one client"]
    assert claims(instalments({"version": 1}, remembered_loan())) == ["instalments are complete"]


def test_a_page_between_two_equal_lists_has_what_they_settled_or_is_stale() -> None:
    paid = loan_page(paid_minor=99_000, overpaid_minor=1_000)

    assert claims(settled([repaid()], paid, [repaid()])) == []
    assert only(settled([repaid()], loan_page(), [repaid()])).is_explained({STALE})
    assert claims(settled([], loan_page(), [repaid()])) == []


# --- borrowing and repaying ---


def test_a_new_loan_is_the_requested_one() -> None:
    body = {"borrower_id": "brw_ada", "principal_minor": 100_000}

    assert claims(borrowed(loan_page(), body)) == []
    assert claims(borrowed(loan_page(borrower_id="brw_bob"), body)) == ["a new loan is the requested one"]
    assert claims(borrowed(loan_page(status="CLEAR", outstanding_minor=0, outstanding_principal_minor=0), body))


@pytest.mark.parametrize(
    "begun",
    [
        {"version": 2, "outstanding_minor": 99_993, "outstanding_principal_minor": 99_993},
        {"version": 2, "outstanding_minor": 100_007},
    ],
)
def test_a_new_loan_with_a_history_may_have_come_from_an_old_system(begun: dict[str, object]) -> None:
    body = {"borrower_id": "brw_ada", "principal_minor": 100_000}

    violation = only(borrowed(loan_page(**begun), body))

    assert violation.check == "a new loan owes its principal and has no history"
    assert violation.is_explained({RESIDUE})
    assert not violation.is_explained({STALE, DROPPED, WRONG_AMOUNT, MARKED})


def test_a_quote_is_the_sum_of_its_buckets() -> None:
    buckets = {"normal_principal_minor": 900, "normal_interest_minor": 100}
    quote = {"loan_id": "loan_ada", "type": "CLEAR", "total_minor": 1_000, "buckets": buckets}
    quote |= {"as_of": AS_OF, "valid_until": "2026-01-05T15:59:59.999Z"}
    nothing = {**quote, "total_minor": 0, "buckets": {}}

    assert claims(quoted(quote, "loan_ada", "CLEAR")) == []
    assert claims(quoted({**quote, "total_minor": 999}, "loan_ada", "CLEAR")) == ["buckets add up to the total"]
    assert claims(quoted(quote, "loan_bob", "CLEAR")) == ["a quote is the requested one"]
    assert claims(quoted(nothing, "loan_ada", "CLEAR")) == ["a loan in use has a payoff amount"]
    [violation] = quoted(nothing, "loan_ada", "CLEAR")
    assert violation.is_explained(["amount.rounding_drift"])
    assert not violation.is_explained(["cache.bounded_stale"])
    assert claims(quoted({}, "loan_ada", "CLEAR")) == ["a quote is complete"]


def test_ordering_a_repayment_settles_nothing() -> None:
    body = {"amount_minor": 100_000, "channel": "wallet", "type": "CLEAR"}
    honest = repaid(status="PROCESSING", applied_minor=0)

    assert claims(ordered(honest, body, "loan_ada")) == []
    assert claims(ordered(repaid(), body, "loan_ada")) == ["ordering settles nothing"]
    assert claims(ordered({**honest, "amount_minor": 1}, body, "loan_ada")) == ["an order is accepted as sent"]


def test_a_repayment_status_goes_forward() -> None:
    mine = order()
    waiting = repaid(status="PROCESSING", applied_minor=0, overpaid_minor=0)

    assert claims(repayment(waiting, mine, settle_delay_s=2)) == []
    assert claims(repayment(repaid(), mine, settle_delay_s=2)) == []
    assert mine.status == "S"
    assert claims(repayment(waiting, mine, settle_delay_s=2)) == ["a repayment's status goes forward"]
    back = repaid(status="REVERSED", applied_minor=0, overpaid_minor=0)
    assert claims(repayment(back, mine, settle_delay_s=2)) == []


@pytest.mark.parametrize(
    ("lie", "claim"),
    [
        ({"applied_minor": 99_001}, "applied and overpaid add up to the amount"),
        ({"amount_minor": 1, "applied_minor": 1, "overpaid_minor": 0}, "a repayment is what was ordered"),
        ({"paid_at": "2026-01-05T01:00:01.999Z"}, "a repayment is paid before it is applied"),
        ({"applied_at": "2026-01-05T01:00:01.000Z"}, "a repayment is paid before it is applied"),
    ],
)
def test_no_fault_explains_an_impossible_repayment(lie: dict[str, object], claim: str) -> None:
    violation = only(repayment(repaid(**lie), order(), settle_delay_s=2))

    assert (violation.check, violation.fault) == (claim, None)


def test_a_very_late_callback_may_have_been_dropped() -> None:
    waiting = repaid(status="PROCESSING", applied_minor=0, overpaid_minor=0)

    violation = only(repayment(waiting, order(), settle_delay_s=2, overdue_s=30))

    assert {kind for kind in (DROPPED, EXPIRED, STALE, *LOST_CALLBACK) if violation.is_explained({kind})} == set(
        LOST_CALLBACK
    )


def test_the_channel_has_the_order_as_it_was_made() -> None:
    message = {
        "out_trade_no": "MLADA",
        "amount_minor": 100_000,
        "channel": "wallet",
        "state": "SUCCESS",
        "paid_at": AS_OF,
    }
    unpaid = {**message, "state": "CREATED", "paid_at": None}

    assert claims(trade(message, order())) == []
    assert claims(trade(unpaid, order())) == []
    assert claims(trade(unpaid, order("S"))) == ["the books have no money that the channel lacks"]
    assert claims(trade({**message, "amount_minor": 1}, order())) == ["the channel has the order as made"]
    assert claims(trade({**message, "paid_at": None}, order())) == ["a trade that succeeded has been paid"]


# --- operator edits ---


def edit(**changed: object) -> Doc:
    """A fee of 12.50 on Ada's bill."""
    return {
        "id": "edt_ada",
        "kind": "MODIFY_BILL_AMOUNT",
        "state": "APPLIED",
        "amount_minor": 1_250,
        "status": None,
        "before": {"outstanding_minor": 100_000},
        "after": {"outstanding_minor": 101_250},
        **changed,
    }


def test_an_edit_is_as_sent_or_has_a_wrong_amount() -> None:
    body = {"kind": "MODIFY_BILL_AMOUNT", "amount_minor": 1_250}
    slip = edit(amount_minor=2_150, after={"outstanding_minor": 102_150})

    assert claims(edited(edit(), body)) == []
    assert only(edited(slip, body)).fault == WRONG_AMOUNT
    assert only(edited(edit(after={"outstanding_minor": 100_000}), body)).fault is None
    assert claims(edited(edit(state="REVERSED"), body)) == ["an edit is the requested one"]
    assert claims(edited({}, body)) == ["an edit is complete"]


def test_a_status_that_was_not_sent_is_a_wrong_override() -> None:
    body = {"kind": "MODIFY_BILL_STATUS", "status": "VALID"}
    done = edit(kind="MODIFY_BILL_STATUS", amount_minor=None, status="OVERDUE", after={"outstanding_minor": 100_000})

    assert only(edited(done, body)).fault == MARKED


def test_a_reversed_repayment_is_reversed_and_settles_nothing() -> None:
    back = repaid(status="REVERSED", applied_minor=0)

    assert claims(reversed_edit(edit(state="REVERSED"), "edt_ada")) == []
    assert claims(reversed_edit(edit(), "edt_ada")) == ["a reversed edit is REVERSED"]
    assert claims(reversed_repayment(back, order())) == []
    assert claims(reversed_repayment(repaid(), order())) == ["a reversed repayment is REVERSED and settles nothing"]
    [violation] = reversed_repayment({**back, "id": "rpy_of_somebody"}, order())
    assert violation.is_explained({"operator.wrong_reversal"})
    assert not violation.is_explained({"operator.wrong_amount"})


def test_a_query_posts_the_money() -> None:
    assert claims(queried(repaid(), order())) == []
    assert claims(queried(repaid(status="PROCESSING"), order())) == ["a query posts the money"]


# --- every answer ---


def test_a_repeat_has_the_same_answer_and_is_marked_as_a_replay() -> None:
    assert claims(same_again((202, {"id": 1}), (202, {"id": 1}), "true")) == []
    assert claims(same_again((202, {"id": 1}), (202, {"id": 2}), "true")) == ["a repeat has the same answer"]
    assert claims(same_again((202, {}), (201, {}), "true")) == ["a repeat has the same answer"]
    assert claims(same_again((202, {}), (202, {}), None)) == ["a repeat is marked as a replay"]


def test_a_repeat_that_is_carried_out_again_may_have_an_expired_key() -> None:
    doubts = list(same_again((202, {"id": "rpy_1"}), (202, {"id": "rpy_2"}), None))

    assert len(doubts) == 2
    assert all(violation.is_explained({EXPIRED}) for violation in doubts)
    assert not any(violation.is_explained({STALE, DROPPED, WRONG_AMOUNT, MARKED}) for violation in doubts)


def test_money_beyond_its_repayment_may_have_been_posted_twice() -> None:
    more = loan_page(paid_minor=99_000, overpaid_minor=101_000)

    violation = only(settled([repaid()], more, [repaid()]))

    assert all(violation.is_explained({kind}) for kind in TWICE)
    assert not violation.is_explained({DROPPED, WRONG_AMOUNT, MARKED})


def test_a_refusal_is_a_documented_problem() -> None:
    codes = {"loan_not_active": 409}
    message = {"type": "/docs", "title": "No.", "detail": "It is CLEAR.", "hint": "Look.", "status": 409}
    message["code"] = "loan_not_active"
    form = "application/problem+json"

    assert claims(problem(message, 409, form, codes)) == []
    assert claims(problem(message, 409, "text/html", codes)) == ["a refusal is a problem document"]
    assert claims(problem(None, 500, form, codes)) == ["a refusal is a problem document"]
    assert claims(problem({**message, "code": "oops"}, 409, form, codes)) == ["a problem's code is documented"]
    assert claims(problem({**message, "hint": None}, 409, form, codes)) == ["a problem is complete"]
    assert claims(problem(message, 500, form, codes)) == ["a problem is complete", "a problem's code is documented"]


def test_explained_violations_are_counted_and_the_rest_returned() -> None:
    shared = SharedState()
    late, lie = (
        Violation("a callback is delivered", "30 s late", DROPPED),
        Violation("a version has one content", "it said two"),
    )

    rest = shared.sort([late, lie], {DROPPED})

    assert rest == [lie]
    assert shared.report()["explained"] == {"callback.dropped: a callback is delivered": 1}
    assert shared.report()["unexplained"] == {"a version has one content": 1}
    assert shared.sort([late], ()) == [late]
