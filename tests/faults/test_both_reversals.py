"""Reversals by a closed callback and by a wrong reversal, in one story over the API."""

from __future__ import annotations

import pytest

from mocklend.client import ProblemError
from support import paired_runs
from support.paired_runs import open_entries


def test_a_closed_order_and_a_wrong_reversal_are_two_breaks_with_two_repairs(
    mocklend_server: str,
) -> None:
    with paired_runs.story_run(mocklend_server) as run:
        client = run.client
        loan = run.loan()
        first = run.repaid(client.repay(loan, 30_000, "wallet", "OVD_AND_CURRENT"))
        second = run.repaid(client.repay(loan, 20_000, "wallet", "OVD_AND_CURRENT"))
        client.arm("operator.wrong_reversal")
        reversed_ = client.reverse_repayment(second, operator="olaf", memo=f"{second} was a mistake")
        client.arm("callback.reordered", inbox="believes")
        third = run.repaid(client.repay(loan, 10_000, "wallet", "OVD_AND_CURRENT"))
        client.halt()
        assert reversed_["id"] == first
        wrong = ("misapplied", reversed_["reversal_id"])
        assert open_entries(run) == sorted([wrong, ("missing_in_books", third)])

        with pytest.raises(ProblemError, match="repayment_not_reversed"):
            client.reinstate_repayment(third, operator="olga", memo="nobody has reversed it")
        assert client.query_repayment(third, operator="olga")["status"] == "S"
        assert open_entries(run) == [wrong]
        assert client.reinstate_repayment(first, operator="olga", memo="it was good")["status"] == "S"
        assert open_entries(run) == []

        assert client.reverse_repayment(second, operator="olga", memo="it was a mistake")["status"] == "REVERSED"
        assert client.loan(loan)["paid_minor"] == 40_000
        assert open_entries(run) == []


def test_one_channel_query_repairs_a_payoff_that_was_misbooked_and_then_closed(
    mocklend_server: str,
) -> None:
    with paired_runs.story_run(mocklend_server) as run:
        client = run.client
        loan = run.loan()
        client.advance("P10D")
        client.arm("operator.prepay_as_partial")
        client.arm("callback.reordered", inbox="believes")
        payoff = run.paid_off(loan)
        client.halt()
        assert open_entries(run) == [("misapplied", payoff), ("missing_in_books", payoff)]

        restored = client.query_repayment(payoff, operator="olga")

        assert (restored["status"], restored["booked_type"]) == ("S", "CLEAR")
        assert client.loan(loan)["status"] == "CLEAR"
        assert open_entries(run) == []


def test_a_query_restores_one_of_two_debits_that_was_taken_for_closed(mocklend_server: str) -> None:
    with paired_runs.story_run(mocklend_server) as run:
        client = run.client
        loan = run.loan(auto_debit=True)
        client.arm("batch.twice", match={"batch": "auto_debit"})
        client.arm("callback.reordered", inbox="believes", select={"times": 1})
        client.advance("P32D")
        client.halt()
        debits = client.repayments(loan)["repayments"]
        [closed] = [debit["id"] for debit in debits if debit["status"] == "F"]
        twice = ("duplicate_in_channel", max(debit["id"] for debit in debits))
        assert open_entries(run) == [twice, ("missing_in_books", closed)]

        client.query_repayment(closed, operator="olga")

        assert open_entries(run) == [twice]
        client.reverse_repayment(closed, operator="olga", memo="debited twice")
        assert open_entries(run) == []


def test_of_two_debits_one_that_is_reversed_by_mistake_is_not_refunded(mocklend_server: str) -> None:
    with paired_runs.story_run(mocklend_server) as run:
        client = run.client
        loan = run.loan(auto_debit=True)
        other = run.repaid(client.repay(loan, 5_000, "wallet", "OVD_AND_CURRENT"))
        client.arm("batch.twice", match={"batch": "auto_debit"})
        client.advance("P32D")
        client.halt()
        debits = [repayment["id"] for repayment in client.repayments(loan)["repayments"] if repayment["id"] != other]
        twice = ("duplicate_in_channel", max(debits))
        assert open_entries(run) == [twice]

        client.arm("operator.wrong_reversal")
        mistaken = client.reverse_repayment(other, operator="olaf", memo="a mistake")
        client.halt()

        assert mistaken["id"] in debits
        assert open_entries(run) == [twice, ("misapplied", mistaken["reversal_id"])]
        client.reinstate_repayment(mistaken["id"], operator="olga", memo="it was good")
        assert open_entries(run) == [twice]
        client.reverse_repayment(max(debits), operator="olga", memo="debited twice")
        assert open_entries(run) == []
