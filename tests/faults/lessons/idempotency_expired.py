"""Ada's app sends the same request again two minutes later, and she pays twice."""

from typing import Any

from support.paired_runs import Told


def story(told: Told) -> None:
    """A repayment is ordered twice under one key, and a day passes."""
    loan = told.loan()

    def order() -> Any:
        return told.client.repay(loan, 20_000, "wallet", "OVD_AND_CURRENT", idempotency_key="order-1")

    told.repaid(told.note("answer", order))
    told.client.advance("PT2M")
    told.repaid(told.note("answer", order))
    told.client.advance("P1D")


def repair(told: Told) -> None:
    """One of the two orders of that key is taken back."""
    [loan] = told.loans
    orders = [
        repayment
        for repayment in told.client.repayments(loan)["repayments"]
        if repayment["idempotency_key"] == "order-1"
    ]
    told.client.reverse_repayment(max(order["id"] for order in orders), operator="olga", memo="ordered twice")
