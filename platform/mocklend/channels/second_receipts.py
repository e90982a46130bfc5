"""A receipt posted beside an order's own: by an inbox that treats a copy as new money, or by a clerk.

The channel has the money once. The second receipt has the order's number, so it can be found and reversed with
`POST /operator/receipts/{id}/reverse`: then it has no effect, since no money had come in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mocklend.domain.facts import SECOND_RECEIPT, Fact, business_date
from mocklend.domain.statuses import ReceiptState
from mocklend.lending.books import LoanAfterFact, post_fact
from mocklend.sandboxes.ids import make_id, out_trade_no, suffix
from mocklend.seams.follow_ups import TakeCopyForPayment
from mocklend.seams.signals import recorded
from mocklend.storage.entities import Loan, Receipt, Repayment, Trade
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.outbox import emit, receipt_data


def second_receipt_of(seed: int, repayment_id: str, number: str) -> str:
    """The id of an order's second receipt, from the number under which it is posted."""
    return make_id("rct", seed, repayment_id, number)


def number_by_hand(repayment_id: str) -> str:
    """The number under which a clerk posts an order's receipt."""
    return f"desk:{repayment_id}"


def number_of_copy(seed: int, trade_id: str) -> str:
    """The trade number of copies of a callback that an inbox treats as another payment."""
    return "CH" + suffix(seed, "channel", trade_id, "again").upper()


@dataclass(frozen=True, slots=True)
class BookCopy:
    """Book the copy of a callback as a separate payment, as an inbox does that does not check for duplicates."""

    sandbox_id: str
    asked: TakeCopyForPayment
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """The repayment and its trade."""
        return (("repayment", self.asked.repayment_id), ("trade", out_trade_no(self.asked.repayment_id)))

    def decide(self, work: Work) -> Answer:
        """201 and the id of the receipt."""
        order = work.get(Repayment, self.asked.repayment_id)
        trade = work.get(Trade, out_trade_no(order.id))
        assert trade.paid_ms is not None, "a callback follows a payment"
        number = number_of_copy(work.sandbox.seed, trade.id)
        post_again(work, order, number=number, paid_ms=trade.paid_ms, typed="callback")
        return Answer(201, {"id": self.asked.receipt_id})


def post_again(work: Work, order: Repayment, *, number: str, paid_ms: int, typed: str) -> LoanAfterFact | None:
    """Post an order's receipt again, under another number. None if that number is posted already."""
    id = second_receipt_of(work.sandbox.seed, order.id, number)
    if work.find(Receipt, id) is not None:
        return None
    loan = work.get(Loan, order.loan_id)
    on = business_date(paid_ms, work.sandbox.zone)
    fact = Fact(id, SECOND_RECEIPT, paid_ms, on, order.amount_minor, order.channel, order.type)
    work.signal(recorded(loan.id))
    after = post_fact(work, loan, fact, cause="receipt", channel=order.channel)
    receipt = Receipt(
        id=id,
        state=ReceiptState.APPLIED,
        loan_id=loan.id,
        channel=order.channel,
        out_trade_no=out_trade_no(order.id),
        channel_trade_no=number,
        amount_minor=order.amount_minor,
        currency=order.currency,
        scope=order.type,
        payer_name="",
        payer_reference=typed,
        landed=0,
        paid_ms=paid_ms,
        received_ms=work.now_ms,
        applied_ms=work.now_ms,
    )
    work.put(receipt)
    emit(work, "receipt.applied", loan.id, id, receipt_data(receipt))
    return after
