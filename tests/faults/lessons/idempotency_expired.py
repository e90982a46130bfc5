"""Ada's app sends the same request again two minutes later, and she pays twice."""

from support.paired_runs import StoryRun


def story(run: StoryRun) -> None:
    """A repayment is ordered twice under one key, and a day passes."""
    loan = run.loan()

    def order() -> None:
        answer = run.client.repay(loan, 20_000, "wallet", "OVD_AND_CURRENT", idempotency_key="order-1")
        run.note("answer", lambda: answer)
        run.repaid(answer)

    order()
    run.client.advance("PT2M")
    order()
    run.client.advance("P1D")


def repair(run: StoryRun) -> None:
    """One of the two orders of that key is taken back."""
    [loan] = run.loans
    orders = [
        repayment
        for repayment in run.client.repayments(loan)["repayments"]
        if repayment["idempotency_key"] == "order-1"
    ]
    run.client.reverse_repayment(max(order["id"] for order in orders), operator="olga", memo="ordered twice")
