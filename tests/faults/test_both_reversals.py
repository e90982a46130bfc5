"""A reversal that is itself reversed, both ways that there are, in one story over the API."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mocklend.client import ProblemError

HERE = str(Path(__file__).resolve().parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

import twins  # noqa: E402


def open_entries(told: Any) -> list[tuple[str, str]]:
    """What the answer key says is wrong; the audit has found exactly that."""
    key = told.client.answer_key(status="active")["entries"]
    audit = told.client.audit()
    named = sorted((one["expected"]["class"], one["expected"]["entity"]) for one in key)
    assert named == sorted((one["class"], one["entity"]) for one in audit["discrepancies"])
    return named


def test_a_closed_order_and_a_wrong_reversal_on_one_loan_are_two_breaks_with_a_repair_each(
    mocklend_server: str,
) -> None:
    with twins.telling(mocklend_server) as told:
        client = told.client
        loan = told.loan()
        first = told.repaid(client.repay(loan, 30_000, "wallet", "OVD_AND_CURRENT"))
        second = told.repaid(client.repay(loan, 20_000, "wallet", "OVD_AND_CURRENT"))
        client.arm("operator.wrong_reversal")
        reversed_ = client.reverse_repayment(second, operator="olaf", memo=f"{second} was a mistake")
        client.arm("callback.reordered", inbox="believes")
        third = told.repaid(client.repay(loan, 10_000, "wallet", "OVD_AND_CURRENT"))
        client.halt()
        assert reversed_["id"] == first
        wrong = ("misapplied", reversed_["reversal_id"])
        assert open_entries(told) == sorted([wrong, ("missing_in_books", third)])

        with pytest.raises(ProblemError, match="repayment_not_reversed"):
            client.reinstate_repayment(third, operator="olga", memo="nobody has reversed it")
        assert client.query_repayment(third, operator="olga")["status"] == "S"
        assert open_entries(told) == [wrong]
        assert client.reinstate_repayment(first, operator="olga", memo="it was good")["status"] == "S"
        assert open_entries(told) == []

        assert client.reverse_repayment(second, operator="olga", memo="it was a mistake")["status"] == "REVERSED"
        assert client.loan(loan)["paid_minor"] == 40_000
        assert open_entries(told) == []
