"""A status override and the later facts that outdate it, in stories over the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mocklend.client import Client, Doc

START = "2026-01-05T02:00:00Z"
STICKY = "operator.manual_override_sticky"


@pytest.fixture
def late(mocklend_server: str) -> tuple[Client, str]:
    """Ada's loan is overdue, and operations have set that status by hand."""
    client: Client = Client(mocklend_server).sandbox(seed=7, now=START)
    ada = client.add_borrower("ada", "Ada")["id"]
    loan: str = client.borrow(ada, 100_000, product_id="jiebei-like")["id"]
    client.advance("P36D")
    mark(client, loan, "OVERDUE")
    return client, loan


def mark(client: Client, loan: str, status: str) -> Doc:
    return client.edit(loan, "MODIFY_BILL_STATUS", status=status, operator="olaf", memo="as the books say")


def pay_what_is_overdue(client: Client, loan: str) -> None:
    owed = client.quote(loan, type="OVD_AND_CURRENT")["total_minor"]
    client.settle(client.repay(loan, owed, "wallet", type="OVD_AND_CURRENT"))


def pay_a_little(client: Client, loan: str) -> None:
    client.settle(client.repay(loan, 100, "wallet", type="OVD_AND_CURRENT"))


def states(client: Client) -> list[str]:
    """The answer key's entries, of which the audit sees exactly those that are open."""
    key, audit = client.answer_key()["entries"], client.audit()
    assert len(audit["discrepancies"]) == len([entry for entry in key if entry["status"] == "active"])
    assert (
        [discrepancy for discrepancy in audit["discrepancies"] if discrepancy["explained_by"] is None]
        == audit["unobserved"]
        == []
    )
    return [entry["status"] for entry in key]


def test_without_a_fault_a_status_override_holds_while_the_books_agree(late: tuple[Client, str]) -> None:
    client, loan = late

    pay_a_little(client, loan)
    assert (client.loan(loan)["status"], client.books(loan)["status_override"]) == ("OVD", None)
    assert states(client) == []

    pay_what_is_overdue(client, loan)
    assert (client.loan(loan)["status"], client.books(loan)["status_override"]) == ("USING", None)
    client.advance("P30D")
    pay_what_is_overdue(client, loan)
    assert client.loan(loan)["status"] == "USING"
    assert states(client) == []


def test_a_sticky_override_shows_overdue_after_each_payment(late: tuple[Client, str]) -> None:
    client, loan = late
    client.arm(STICKY)

    pay_a_little(client, loan)
    assert states(client) == []
    pay_what_is_overdue(client, loan)
    assert states(client) == ["active"]
    client.settle(client.repay_quote(client.quote(loan), "wallet"))

    page = client.loan(loan)
    assert (page["status"], page["outstanding_minor"]) == ("OVD", 0)
    assert states(client) == ["superseded", "active"]


def test_the_operators_view_names_the_outdated_edit_and_the_time(late: tuple[Client, str]) -> None:
    client, loan = late
    client.arm(STICKY)
    client.advance("P3D")
    pay_what_is_overdue(client, loan)
    since = client.clock()["now"]
    client.advance("P1D")
    client.settle(client.repay(loan, 100, "wallet", type="OVD_AND_CURRENT"))

    [edit], mark = client.edits(loan)["edits"], client.books(loan)["status_override"]

    assert (mark["edit_id"], mark["status"], mark["since"]) == (edit["id"], "OVERDUE", since)
    [alert] = client.alerts(check="override_contradicts_books")["alerts"]
    assert alert["since"] == since > edit["applied_at"]


def test_nothing_is_wrong_while_the_books_agree_with_the_override_again(late: tuple[Client, str]) -> None:
    client, loan = late
    client.arm(STICKY)
    pay_what_is_overdue(client, loan)
    assert states(client) == ["active"]

    client.advance("P60D")

    assert client.loan(loan)["status"] == client.books(loan)["status"] == "OVD"
    assert states(client) == ["superseded", "superseded"]  # On the first due date nothing was overdue yet.


def stop_and_pay_a_little(client: Client, loan: str) -> None:
    client.halt()
    pay_a_little(client, loan)


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        (lambda client, loan: mark(client, loan, "VALID"), "superseded"),
        (lambda client, loan: client.reverse_edit(the_mark(client, loan), operator="olga", memo="paid"), "healed"),
        (stop_and_pay_a_little, "superseded"),
    ],
)
def test_it_ends_with_another_override_a_reversal_or_a_fact_that_removes_it(
    late: tuple[Client, str], ends: Callable[[Client, str], object], status: str
) -> None:
    client, loan = late
    client.arm(STICKY)
    pay_what_is_overdue(client, loan)

    ends(client, loan)

    assert client.loan(loan)["status"] == "USING"
    assert states(client) == [status]


def the_mark(client: Client, loan: str) -> str:
    [edit] = client.edits(loan)["edits"]
    return str(edit["id"])


def test_a_wrong_override_may_become_sticky(late: tuple[Client, str]) -> None:
    client, loan = late
    pay_what_is_overdue(client, loan)
    client.arm("operator.marked_overdue", select={"times": 1})
    client.arm(STICKY)

    pay_a_little(client, loan)
    assert states(client) == ["active"]
    pay_a_little(client, loan)

    assert client.loan(loan)["status"] == "OVD"
    assert states(client) == ["superseded", "active"]


def test_a_reversed_repayment_outdates_an_override(mocklend_server: str) -> None:
    client: Client = Client(mocklend_server).sandbox(seed=7, now=START)
    ada = client.add_borrower("ada", "Ada")["id"]
    loan = client.borrow(ada, 100_000, product_id="jiebei-like")["id"]
    paid = client.settle(client.repay_quote(client.quote(loan), "wallet"))
    mark(client, loan, "CLEAR")
    client.arm(STICKY)

    client.reverse_repayment(paid["id"], operator="olga", memo="chargeback")

    page = client.loan(loan)
    assert (page["status"], page["outstanding_minor"]) == ("CLEAR", 100_000)
    assert states(client) == ["active"]


def test_an_upheld_dispute_removes_the_override(late: tuple[Client, str]) -> None:
    client, loan = late
    client.arm(STICKY)
    pay_what_is_overdue(client, loan)

    dispute = client.open_dispute(loan, "wrong_status")["id"]
    client.verify_dispute(dispute, operator="olga")
    decided = client.decide_dispute(dispute, "UPHELD", operator="olga", memo="paid on Monday", correct=True)

    assert [correction["what"] for correction in decided["corrections"]] == ["override_reversed"]
    assert client.loan(loan)["status"] == "USING"
    assert states(client) == ["healed"]


def test_a_dispute_keeps_an_override_that_agrees_with_the_books(late: tuple[Client, str]) -> None:
    client, loan = late

    dispute = client.open_dispute(loan, "wrong_status")["id"]
    client.verify_dispute(dispute, operator="olga")
    decided = client.decide_dispute(dispute, "UPHELD", operator="olga", memo="she says so", correct=True)

    assert decided["corrections"] == []
    assert client.loan(loan)["status"] == "OVD"
    assert states(client) == []
