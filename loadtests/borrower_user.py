"""The borrower: borrows, gets quotes, repays through each channel, and reads the status page in between.

Question: are the answers to a client consistent with each other, whatever else is going on?
"""

from __future__ import annotations

import time

from base_user import SETTINGS, SHARED, BaseUser, no_check
from checks import (
    KnownLoan,
    Order,
    borrowed,
    instalments,
    listed,
    ordered,
    page,
    quoted,
    repayment,
    settled,
    trade,
)
from locust import task

PRODUCTS = ("jiebei-like", "interest-free-3")
PUSH_CHANNELS = ("bank_transfer", "bill_pay")
CREDIT_MINOR = 5_000_000
LOANS_AT_MAX = 12
"""With this many loans, the user goes on as a new borrower."""
HAND_IN_AFTER_S = 1.0
"""How many real seconds late an order is handed to an operator; the platform's ticker needs some of them."""
LATE_S_MAX = 20.0
"""How many real seconds an order may be late, unless a fault may have lost its callback."""


class Borrower(BaseUser):
    """One borrower after the other; each has a few loans and repays them."""

    weight = 4

    def on_start(self) -> None:
        """Sign up and borrow."""
        self.came = 0
        self.channels = sorted(SETTINGS.settle_delays_s)
        self.chance.shuffle(self.channels)
        self.paid = 0
        self.pushed_to: str | None = None
        self.sign_up()
        self.borrow()

    def sign_up(self) -> None:
        """Continue as a new borrower."""
        self.loans: dict[str, KnownLoan] = {}
        self.orders: dict[str, Order] = {}
        self.came += 1
        sent = {
            "reference": f"load-{SETTINGS.seed}-{self.number}-{self.came}",
            "name": f"Borrower {self.number}/{self.came}",
            "credit_limit_minor": CREDIT_MINOR,
        }
        made = self.send("become a borrower", "/v1/borrowers", sent, no_check, moves_money=False)
        self.borrower_id = made["id"] if made else None

    @task(2)
    def borrow(self) -> None:
        """Take out one more loan."""
        if self.borrower_id is None or len(self.loans) >= LOANS_AT_MAX:
            self.sign_up()
        if self.borrower_id is None:
            return
        sent = {
            "borrower_id": self.borrower_id,
            "principal_minor": self.chance.randrange(10_000, 400_000),
            "product_id": self.chance.choice(PRODUCTS),
        }
        doc = self.send(
            "borrow", "/v1/loans", sent, lambda doc: borrowed(doc, sent), refusals={"credit_limit_exceeded"}
        )
        if doc:
            loan = KnownLoan(doc["id"], doc["principal_minor"])
            self.loans[loan.id] = loan
            SHARED.loans.append(loan)

    @task(5)
    def repay(self) -> None:
        """Get a quote and repay it. Mostly once; sometimes again before the first repayment has settled."""
        loan = self.some_loan()
        if loan is None or (self.is_waiting_for(loan) and self.chance.random() > 0.1):
            return
        kind = self.chance.choice(("CLEAR", "OVD_AND_CURRENT"))
        quote = self.send(
            f"quote {kind}",
            f"/v1/loans/{loan.id}/quotes",
            {"type": kind},
            lambda doc: quoted(doc, loan.id, kind),
            refusals={"loan_not_active"},
            moves_money=False,
        )
        if not quote or not quote["total_minor"]:
            return
        channel = self.channels[self.paid % len(self.channels)]
        self.paid += 1
        sent = {"amount_minor": quote["total_minor"], "channel": channel, "type": kind, "quote_id": quote["id"]}
        doc = self.send(
            f"repay by {channel}",
            f"/v1/loans/{loan.id}/repayments",
            sent,
            lambda doc: ordered(doc, sent, loan.id),
            refusals={"loan_not_active", "quote_stale"},
        )
        if doc:
            now_s = time.monotonic()
            order = Order(doc["id"], loan.id, channel, sent["amount_minor"], doc["out_trade_no"], now_s)
            order.due_at_s = now_s + SETTINGS.settles_in_s(channel)
            self.orders[order.id] = order

    @task(1)
    def pay_unsolicited(self) -> None:
        """Make a push payment with the loan's id as reference, on a loan that no other task uses."""
        if self.pushed_to is None:
            named = {"reference": f"load-{SETTINGS.seed}-{self.number}-push", "name": f"Borrower {self.number}"}
            made = self.send("become a borrower", "/v1/borrowers", named, no_check, moves_money=False)
            sent = {"borrower_id": made["id"], "principal_minor": 400_000, "product_id": PRODUCTS[0]} if made else {}
            doc = self.send("borrow", "/v1/loans", sent, no_check) if made else None
            self.pushed_to = doc["id"] if doc else None
            return
        channel = self.chance.choice(PUSH_CHANNELS)
        paid = {
            "amount_minor": self.chance.randrange(100, 2_000),
            "payer_name": "A borrower",
            "payer_reference": self.pushed_to,
        }
        self.send("push payment", f"/channels/{channel}/payments", paid, no_check)

    @task(8)
    def open_status_page(self) -> None:
        """Read the status page of a loan."""
        if loan := self.some_loan():
            self.get("status page", f"/v1/loans/{loan.id}", lambda doc: page(doc, loan))

    @task(3)
    def open_instalments(self) -> None:
        """Read the instalments of a loan."""
        if loan := self.some_loan():
            self.get("instalments", f"/v1/loans/{loan.id}/instalments", lambda doc: instalments(doc, loan))

    @task(2)
    def list_loans(self) -> None:
        """List all loans of the borrower."""
        if self.borrower_id is None:
            return
        path = f"/v1/loans?borrower_id={self.borrower_id}&limit=50"
        self.get("list of loans", path, lambda doc: listed(doc["loans"], self.loans, complete=True))

    @task(8)
    def follow_a_repayment(self) -> None:
        """Read a repayment that has not settled. If it is late, read the channel's record, and tell an operator."""
        waiting = [order for order in self.orders.values() if order.status == "PROCESSING"]
        if not waiting:
            return
        order = self.chance.choice(waiting)
        late_s = time.monotonic() - order.due_at_s
        self.get(
            "repayment",
            f"/v1/repayments/{order.id}",
            lambda doc: repayment(
                doc,
                order,
                settle_delay_s=SETTINGS.settle_delays_s[order.channel],
                overdue_s=max(0.0, late_s - LATE_S_MAX),
            ),
        )
        if order.status == "S":
            SHARED.settled.append(order)
        elif order.status == "PROCESSING" and late_s > HAND_IN_AFTER_S and not order.handed_in:
            path = f"/channels/{order.channel}/trades/{order.out_trade_no}"
            record = self.get("channel's record", path, lambda doc: trade(doc, order))
            if record and record.get("state") == "SUCCESS":
                order.handed_in = True
                SHARED.late.append(order)

    @task(2)
    def reconcile(self) -> None:
        """Read the repayments, the status page and the repayments again: the page must have what they settled."""
        if loan := self.some_loan():
            path = f"/v1/loans/{loan.id}/repayments?limit=500"
            before = self.get("list of repayments", path, no_check)
            shown = self.get("status page", f"/v1/loans/{loan.id}", lambda doc: page(doc, loan))
            if before and shown:
                self.get(
                    "list of repayments",
                    path,
                    lambda after: settled(before["repayments"], shown, after["repayments"]),
                )

    def some_loan(self) -> KnownLoan | None:
        """One of the borrower's last four loans; None without loans."""
        recent = list(self.loans.values())[-4:]
        return self.chance.choice(recent) if recent else None

    def is_waiting_for(self, loan: KnownLoan) -> bool:
        """Whether a repayment of this loan has not settled yet."""
        return any(order.loan_id == loan.id and order.status == "PROCESSING" for order in self.orders.values())
