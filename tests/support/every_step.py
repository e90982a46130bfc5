"""One story that takes each resource through all of its states."""

from __future__ import annotations

import json
from collections.abc import Callable

from mocklend.channels.closed_orders import BelieveClosed
from mocklend.channels.order_query import QueryPayment
from mocklend.channels.payment_returns import ReturnPayment
from mocklend.channels.payments import PayAtChannel
from mocklend.channels.payouts import FailPayout
from mocklend.channels.second_receipts import number_by_hand, second_receipt_of
from mocklend.client import Doc
from mocklend.domain.product import PRODUCTS
from mocklend.lending import AddBorrower, Borrow
from mocklend.sandboxes.ids import callback_of, order_no, receipt_of, return_of
from mocklend.seams.follow_ups import PostReceiptAgain, TakeOrderForClosed
from mocklend.servicing import (
    AddStatement,
    ApproveEdit,
    DecideDispute,
    IssueCertificate,
    OpenDispute,
    QueryChannel,
    Refund,
    ReinstateRepayment,
    RejectEdit,
    ReverseEdit,
    ReverseReceipt,
    VerifyDispute,
    WriteOff,
)
from mocklend.servicing.by_hand import PostReceiptByHand
from mocklend.servicing.matching import MatchReceipt
from mocklend.servicing.moving import MoveReceipt
from mocklend.storage.entities import Payout, Webhook
from mocklend.storage.work import Answer, Command
from mocklend.views.reads import payouts
from mocklend.webhooks.endpoints import AddEndpoint
from support.story import Story


class EveryStep:
    """A story with a webhook endpoint for all events, and a method for each action of staff and channels."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.run(AddEndpoint(story.sandbox_id, "http://127.0.0.1:9/", ("*",), "standard"))

    def run(self, command: Command) -> Answer:
        return self.story.platform.run(command)

    def ask(self, command: Callable[..., Command], *about: object) -> Answer:
        return self.run(command(self.story.sandbox_id, self.story.key(), *about))

    def borrow_slowly(self) -> str:
        ada = self.run(AddBorrower(self.story.sandbox_id, "ada", "Ada", 10**12)).body["id"]
        product = PRODUCTS["jiebei-like"]
        return str(self.ask(Borrow, ada, 100_000, "CNY", product, None, None, False, "bank_transfer", 60).body["id"])

    def payout_of(self, loan_id: str) -> Payout:
        with self.story.platform.read() as connection:
            return payouts(self.story.snapshot(connection), loan_id)[-1]

    def push(self, typed: str, amount_minor: int = 50_000, scope: str = "CLEAR") -> str:
        order = self.ask(PayAtChannel, "bill_pay", amount_minor, "CNY", "Ada", typed, scope).body["out_trade_no"]
        self.story.wait(600)
        return receipt_of(order)

    def return_payment(self, id: str, channel: str = "wallet") -> None:
        self.ask(ReturnPayment, channel, order_no(id))
        self.story.wait(0)

    def dispute(self, loan_id: str, decision: str) -> str:
        id = str(self.ask(OpenDispute, loan_id, "other", "It is not so.", ()).body["id"])
        self.ask(VerifyDispute, id, "wei")
        self.run(DecideDispute(self.story.sandbox_id, self.story.key(), id, decision, "Checked.", "wei"))
        return id

    def events(self) -> list[tuple[str, Doc]]:
        """All queued events, in order."""
        queued = sorted(self.story.entities(Webhook), key=lambda webhook: webhook.queued_ms)
        return [(webhook.event, json.loads(webhook.body)["data"]) for webhook in queued]


def through_all_of_it(tell: Callable[..., Story]) -> EveryStep:
    """A story that makes every step of the table."""
    story = tell(four_eyes_above_minor=1_000)
    steps = EveryStep(story)
    _loans(steps)
    _repayments(steps)
    _receipts(steps)
    _edits(steps)
    _disputes(steps)
    return steps


def _loans(run: EveryStep) -> None:
    story = run.story
    paid_out, failed = run.borrow_slowly(), run.borrow_slowly()
    run.ask(FailPayout, "bank_transfer", run.payout_of(failed).id)
    story.wait(60)
    loan, settled = story.borrow(), story.borrow()
    before = story.settle(settled)
    written_off = [story.borrow() for _ in range(2)]
    drafts = [run.ask(WriteOff, id, "bankrupt", "wei", "li").body["id"] for id in written_off]
    run.run(desk_reverse(story, drafts[0]))  # Owed again, and not overdue.
    recovered = story.settle(written_off[1])
    story.reverse(recovered)  # What was recovered is gone: OFF again.
    story.wait(days=40)
    story.repay(loan, 20_000)  # Cured.
    story.settle(paid_out)  # Overdue, and cleared.
    story.reverse(before)  # Cleared, and overdue at once.
    late = story.borrow()
    story.wait(days=40)
    edit = run.ask(WriteOff, late, "bankrupt", "wei", "li").body["id"]
    run.run(desk_reverse(story, edit))  # Overdue again.


def desk_reverse(story: Story, edit_id: str) -> Command:
    return ReverseEdit(story.sandbox_id, story.key(), edit_id, "he came back", "wei")


def _repayments(run: EveryStep) -> None:
    story = run.story
    loan = story.borrow()
    first, second = story.repay(loan, 20_000), story.settle(loan)
    run.run(IssueCertificate(story.sandbox_id, loan))
    story.reverse(first)
    run.ask(ReinstateRepayment, first, "it was good", "grace")
    run.run(BelieveClosed(story.sandbox_id, TakeOrderForClosed(second)))
    run.ask(QueryChannel, second, "grace")
    run.return_payment(second)
    closed = story.repay(loan, 1_000)
    run.run(BelieveClosed(story.sandbox_id, TakeOrderForClosed(closed)))
    run.return_payment(closed)
    unheard = story.order(loan, 1_000)
    story.settle_silently(unheard)
    run.ask(ReturnPayment, "wallet", order_no(unheard))
    run.run(story.command(story.now_ms, "callback", callback_of(return_of(unheard))))


def _receipts(run: EveryStep) -> None:
    story = run.story
    first, other = story.borrow(), story.borrow()
    matched, nobodys = run.push("my loan"), run.push("thanks")
    run.ask(MatchReceipt, matched, first, "by her slip", "grace")
    run.ask(MoveReceipt, matched, other, "the slip says so", "grace")
    run.return_payment(matched, "bill_pay")
    run.return_payment(nobodys, "bill_pay")
    run.push(first)
    again = story.repay(other, 5_000)
    by_hand = second_receipt_of(story.platform.seed_of(story.sandbox_id), again, number_by_hand(again))
    run.run(PostReceiptByHand(story.sandbox_id, PostReceiptAgain(again, by_hand, "grace", "Still on the list")))
    run.ask(ReverseReceipt, by_hand, "it came once", "grace")
    # The callback is still on its way when the bank takes the money back, and operations learn of both at once.
    order = run.ask(PayAtChannel, "bill_pay", 7_000, "CNY", "Ada", other, "CLEAR").body["out_trade_no"]
    story.settle_silently(receipt_of(order))
    run.ask(ReturnPayment, "bill_pay", order)
    run.ask(QueryPayment, "bill_pay", order, "grace")
    story.wait(0)


def _edits(run: EveryStep) -> None:
    story = run.story
    loan = story.borrow()
    run.run(desk_reverse(story, story.edit(loan, 500)))
    draft = story.edit(loan, 5_000)
    run.ask(ApproveEdit, draft, "li")
    run.ask(RejectEdit, story.edit(loan, 5_000), "no", "li")
    story.repay(loan, story.quote(loan)["total_minor"] + 900, type="CLEAR")
    run.ask(Refund, loan, "wallet", 900, "paid twice", "wei", "li")
    story.wait(60)


def _disputes(run: EveryStep) -> None:
    story = run.story
    loan = story.borrow()
    rejected = run.dispute(loan, "REJECTED")
    run.ask(AddStatement, rejected, "It is so.")
    run.dispute(loan, "UNVERIFIABLE")
    upheld = run.dispute(loan, "UPHELD")
    run.run(
        DecideDispute(
            story.sandbox_id, story.key(), upheld, "UPHELD", "Put right.", "wei", correct=True, compensation_minor=500
        )
    )
    story.wait(days=2)
    run.ask(OpenDispute, loan, "other", "It is not so.", ())
    story.wait(days=21)
