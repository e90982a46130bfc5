"""The operator: corrects bills, confirms statuses, reverses edits and repayments, and queries late orders.

It checks that the books have what the operators entered, while borrowers pay at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from base_user import SHARED, BaseUser, no_check
from checks import KnownLoan, Violation, books, edited, page, queried, reversed_edit, reversed_repayment
from locust import task

CONFIRMING = {"USING": "VALID", "OVD": "OVERDUE", "CLEAR": "CLEAR"}
EDITS_REMEMBERED = 40


class Operator(BaseUser):
    """One member of the operations staff."""

    weight = 1

    def on_start(self) -> None:
        """Choose a name for the operator log."""
        self.operator = f"op-{self.number}"
        self.edits: list[str] = []

    @task(4)
    def change_a_bill(self) -> None:
        """Add a fee or a penalty to a bill, or waive a part of it."""
        if not SHARED.loans:
            return
        loan = self.chance.choice(SHARED.loans)
        kind = self.chance.choice(("MODIFY_BILL_AMOUNT", "MODIFY_BILL_OVERDUE_AMOUNT"))
        amount = self.chance.randrange(100, 3_000)
        if self.chance.random() < 0.3:
            amount = -self.chance.randrange(1, 100)
        sent = {"kind": kind, "amount_minor": amount, "memo": "Agreed on the phone", "operator": self.operator}
        self.edit("edit an amount", loan.id, sent, {"loan_not_active", "waiver_too_large"})

    @task(4)
    def confirm_a_status(self) -> None:
        """Read the books and set the bill to the status that they derive."""
        if not SHARED.loans:
            return
        loan = self.chance.choice(SHARED.loans).at_this_moment()
        doc = self.get("operator's books", f"/operator/loans/{loan.id}", lambda doc: books(doc, loan))
        if doc and doc["status"] in CONFIRMING:
            status = CONFIRMING[doc["status"]]
            sent = {"kind": "MODIFY_BILL_STATUS", "status": status, "memo": "Seen", "operator": self.operator}
            # Between the request and the edit a borrower may have paid.
            self.edit("confirm a status", loan.id, sent, {"override_contradicts_books"})

    def edit(self, name: str, loan_id: str, sent: Mapping[str, object], refusals: set[str]) -> None:
        """Submit an edit, and keep its id for a reversal."""
        path = f"/operator/loans/{loan_id}/edits"
        doc = self.send(name, path, sent, lambda doc: edited(doc, sent), refusals=refusals)
        if doc:
            self.edits = [*self.edits, doc["id"]][-EDITS_REMEMBERED:]

    @task(2)
    def reverse_an_edit(self) -> None:
        """Reverse one of the operator's own edits."""
        if not self.edits:
            return
        edit_id = self.edits.pop(self.chance.randrange(len(self.edits)))
        self.send(
            "reverse an edit",
            f"/operator/edits/{edit_id}/reverse",
            {"memo": "Taken back", "operator": self.operator},
            lambda doc: reversed_edit(doc, edit_id),
        )

    @task(1)
    def reverse_a_repayment(self) -> None:
        """Reverse a settled repayment: its money stays as unapplied cash, and the loan is open again."""
        if not SHARED.settled:
            return
        order = self.chance.choice(SHARED.settled)
        self.send(
            "reverse a repayment",
            f"/operator/repayments/{order.id}/reverse",
            {"memo": "Called back", "operator": self.operator},
            lambda doc: reversed_repayment(doc, order),
            refusals={"repayment_not_applied"},
        )

    @task(4)
    def chase_a_late_order(self) -> None:
        """Query the channel about a late order that a borrower has handed in."""
        if not SHARED.late:
            return
        order = SHARED.late.popleft()
        self.send(
            "query the channel",
            f"/operator/repayments/{order.id}/query",
            {"operator": self.operator},
            lambda doc: queried(doc, order),
        )

    @task(2)
    def match_a_receipt(self) -> None:
        """Match an unapplied receipt: read the payer reference in the channel's record, and apply it to that loan."""
        waiting = self.get("unapplied receipts", "/operator/receipts?state=UNAPPLIED&limit=20", no_check)
        if not waiting or not waiting["receipts"]:
            return
        receipt = self.chance.choice(waiting["receipts"])
        path = f"/channels/{receipt['channel']}/trades/{receipt['out_trade_no']}"
        record = self.get("channel's record", path, no_check)
        if record:
            self.send(
                "match a receipt",
                f"/operator/receipts/{receipt['id']}/match",
                {
                    "loan_id": record["payer_reference"],
                    "memo": "As the payer wrote it at the channel",
                    "operator": self.operator,
                },
                no_check,
                refusals={"receipt_not_unapplied"},
            )

    @task(1)
    def open_the_work_list(self) -> None:
        """List loans of one status, one list page."""
        status = self.chance.choice(("USING", "CLEAR", "OVD"))

        def check(doc: dict[str, Any]) -> Iterator[Violation]:
            for loan in doc["loans"]:
                yield from page(loan, KnownLoan(loan["id"], loan["principal_minor"]))
                if loan["status"] != status:
                    yield Violation(
                        "a list has the requested status", f"{loan['status']} of {loan['id']}, not {status}"
                    )

        self.get("operator's work list", f"/v1/loans?status={status}&limit=20", check)
