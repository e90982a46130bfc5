"""Books behind (the end-of-day batch left a loan out) or ahead (a booking is dated tomorrow), and further events."""

from __future__ import annotations

import pytest

from mocklend.client import Client, ProblemError

START = "2026-01-05T02:00:00Z"


@pytest.fixture
def client(mocklend_server: str) -> Client:
    return Client(mocklend_server).sandbox(seed=7, now=START)


def borrow(client: Client, product: str = "jiebei-like") -> str:
    ada = client.add_borrower("ada", "Ada")["id"]
    loan: str = client.borrow(ada, 100_000, product_id=product)["id"]
    return loan


def mark(client: Client, loan: str, status: str) -> None:
    client.edit(loan, "MODIFY_BILL_STATUS", status=status, operator="olaf", memo="as the books say")


def test_a_status_behind_the_end_of_day_cannot_be_confirmed(client: Client) -> None:
    loan = borrow(client)
    client.arm("batch.skipped")
    client.advance("P36D")
    assert client.loan(loan)["status"] == "USING"

    with pytest.raises(ProblemError, match="override_contradicts_books") as refused:
        mark(client, loan, "VALID")
    assert refused.value.expected == "OVERDUE"
    mark(client, loan, "OVERDUE")

    assert client.audit()["clean"]


def test_marking_a_loan_overdue_that_is_overdue_is_no_injection(client: Client) -> None:
    """`operator.marked_overdue` injects nothing here."""
    loan = borrow(client)
    client.arm("batch.skipped")
    client.advance("P36D")
    client.arm("operator.marked_overdue")
    mark(client, loan, "OVERDUE")

    assert client.audit()["clean"]
    assert [entry["fault"] for entry in client.answer_key()["entries"]] == ["batch.skipped"]


def test_a_booking_dated_tomorrow_on_a_bill_paid_early_is_on_the_books(client: Client) -> None:
    """A bill that is paid early is paid with the interest up to its due date: the next booking lies before that."""
    loan = borrow(client)
    due = client.quote(loan, type="OVD_AND_CURRENT")["total_minor"]
    client.settle(client.repay(loan, due, "wallet", type="OVD_AND_CURRENT"))
    client.advance("PT13H")  # 23:00 in Shanghai.
    client.arm("clock.cutoff_skew")

    second = client.repay(loan, 1_000, "wallet", type="OVD_AND_CURRENT")
    client.settle(second)

    repayment = client.repayment(second["id"])
    assert (repayment["status"], repayment["applied_minor"]) == ("S", 1_000)
    [discrepancy] = client.audit()["discrepancies"]
    assert (discrepancy["class"], discrepancy["entity"]) == ("misapplied", second["id"])
    assert discrepancy["explained_by"] is not None
