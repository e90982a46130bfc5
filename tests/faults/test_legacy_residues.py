"""Loans whose books begin with a residue, in stories over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mocklend.client import Client, ProblemError
from mocklend.reconcilers.named import SHIPPED
from mocklend.reconcilers.repair import repair

RESIDUE = "migration.legacy_residue"
BY_CONTRACT = 100_045
"""What pays off 1,000.00 on the first day, with a day's interest."""


@pytest.fixture
def migrated(mocklend_server: str) -> Callable[..., tuple[Client, str]]:
    """Ada's loan, opened with a residue."""

    def legacy_loan(principal_minor: int = 100_000, *, borrow: dict[str, Any] | None = None, **settings: Any) -> Any:
        client: Client = Client(mocklend_server).sandbox(seed=7, now="2026-01-05T02:00:00Z")
        client.arm(RESIDUE, **settings)
        ada = client.add_borrower("ada", "Ada", credit_limit_minor=200_000)["id"]
        loan = client.borrow(ada, principal_minor, product_id="jiebei-like", **borrow or {})
        return client, loan["id"]

    return legacy_loan


def broken(client: Client) -> list[tuple[str, str, int]]:
    """The discrepancies, which must be all explained, and equal to the open entries."""
    audit = client.audit()
    assert (
        [discrepancy for discrepancy in audit["discrepancies"] if discrepancy["explained_by"] is None]
        == audit["unobserved"]
        == []
    )
    return [
        (discrepancy["class"], discrepancy["entity"], discrepancy["amount_minor"])
        for discrepancy in audit["discrepancies"]
    ]


def test_with_a_residue_less_is_owed_than_was_lent(migrated: Callable[..., tuple[Client, str]]) -> None:
    client, loan = migrated()

    page, [edit] = client.loan(loan), client.edits(loan)["edits"]

    assert (page["principal_minor"], page["outstanding_minor"], page["paid_minor"]) == (100_000, 99_993, 0)
    assert (edit["kind"], edit["amount_minor"], edit["operator"]) == ("MODIFY_REVOKE_AMOUNT", 7, "migration")
    assert (edit["before"]["outstanding_minor"], edit["after"]["outstanding_minor"]) == (100_000, 99_993)
    assert client.operator_log(loan)["actions"] == []
    assert broken(client) == [("unsupported", edit["id"], 7)]


def test_paying_the_contract_amount_is_an_overpayment(migrated: Callable[..., tuple[Client, str]]) -> None:
    client, loan = migrated()
    client.settle(client.repay(loan, BY_CONTRACT, "wallet", type="CLEAR"))
    [edit] = client.edits(loan)["edits"]

    page = client.loan(loan)
    assert (page["status"], page["overpaid_minor"]) == ("CLEAR", 7)
    assert broken(client) == [("unsupported", edit["id"], 7)]

    client.reverse_edit(edit["id"], operator="olga", memo="nothing is behind it")
    assert client.loan(loan)["overpaid_minor"] == 0
    assert broken(client) == []


def test_with_a_positive_residue_the_contract_amount_does_not_clear_the_loan(
    migrated: Callable[..., tuple[Client, str]],
) -> None:
    client, loan = migrated(residue_minor=250, asks_for="more")
    client.settle(client.repay(loan, BY_CONTRACT, "wallet", type="CLEAR"))
    [edit] = client.edits(loan)["edits"]

    assert client.loan(loan)["status"] == "USING"
    assert broken(client) == [("unsupported", edit["id"], 250)]

    client.reverse_edit(edit["id"], operator="olga", memo="nothing is behind it")
    assert client.loan(loan)["status"] == "CLEAR"
    assert broken(client) == []


def test_the_opening_entry_is_reversed_once(migrated: Callable[..., tuple[Client, str]]) -> None:
    client, loan = migrated()
    [edit] = client.edits(loan)["edits"]
    client.reverse_edit(edit["id"], operator="olga", memo="nothing is behind it")

    with pytest.raises(ProblemError, match="edit_already_reversed"):
        client.reverse_edit(edit["id"], operator="olga", memo="again")
    assert [entry["status"] for entry in client.answer_key()["entries"]] == ["healed"]


def test_a_loan_whose_payout_is_in_transit_has_no_residue(
    migrated: Callable[..., tuple[Client, str]],
) -> None:
    client, loan = migrated(borrow={"disburse_to": "bank_transfer"})
    client.advance("P2D")

    assert client.edits(loan)["edits"] == []
    assert broken(client) == []


def test_the_free_credit_limit_follows_from_the_books(migrated: Callable[..., tuple[Client, str]]) -> None:
    client, loan = migrated()
    borrower = client.loan(loan)["borrower_id"]

    with pytest.raises(ProblemError, match="credit_limit_exceeded"):
        client.borrow(borrower, 100_008, product_id="jiebei-like")

    assert client.borrow(borrower, 100_007, product_id="jiebei-like")["principal_minor"] == 100_007


def test_a_reconciler_finds_the_residue_and_reverses_it(
    migrated: Callable[..., tuple[Client, str]],
) -> None:
    client, loan = migrated()
    client.edit(loan, "MODIFY_BILL_AMOUNT", amount_minor=500, operator="olaf", memo="a fee of 5.00")
    client.halt()

    findings = SHIPPED["thorough"](client)

    assert [(finding.finding_class, finding.loan_id, finding.amount_minor) for finding in findings] == [
        ("unsupported", loan, 7)
    ]
    assert [how for _, how in repair(client, findings)] == ["done"]
    assert broken(client) == []
