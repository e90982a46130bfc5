"""The platform has accepted a callback, and the channel may send more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus, RepaymentStatus, TradeState
from mocklend.seams.about import about_payment
from mocklend.seams.ada import MONDAY_MS, REPAYMENT
from mocklend.seams.edges import Edge
from mocklend.seams.follow_ups import FollowUp, TakeCopyForPayment, TakeOrderForClosed
from mocklend.seams.seam import Consequence, PaymentSeam
from mocklend.seams.signals import applied, reversed_

COPIES_MAX = 9
"""How often one callback may be sent again."""


@dataclass(frozen=True, slots=True)
class CallbackTaken(PaymentSeam):
    """The callback of an order was acknowledged and is applied. Honestly the channel sends no more about it.

    With `copies` it is sent that many times again; with `new_trade_no` the copies carry another trade number and the
    inbox takes them for another payment, as `receipt_id`: `duplicate_in_books` on the second receipt. With
    `older_event` an event from before the payment arrives after it, and if it is `believed` the receipt is reversed:
    `missing_in_books` on the repayment. Otherwise the inbox ignores it.
    """

    seam: ClassVar[str] = "callback.taken"
    edge: ClassVar[Edge] = Edge.CHANNEL_TO_BOOKS
    entity_is: ClassVar[str] = "the repayment"
    occurrence_is: ClassVar[str] = "the attempt that was taken"
    repayment_id: str
    callback_id: str
    receipt_id: str
    order_status: str  # on the books, after the callback: S or REVERSED
    copies: int = 0
    new_trade_no: bool = False
    older_event: str | None = None
    believed: bool = False

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_payment(MONDAY_MS, REPAYMENT, "rpy_ada"),
            repayment_id="rpy_ada",
            callback_id="cb_ada",
            receipt_id="rct_ada_again",
            order_status="S",
        )

    def follow_ups(self) -> tuple[FollowUp, ...]:
        """What a faulty inbox does next."""
        closed = (TakeOrderForClosed(self.repayment_id),) if self.taken_for_closed else ()
        copied = (TakeCopyForPayment(self.repayment_id, self.receipt_id),) if self.copies and self.new_trade_no else ()
        return (*closed, *copied)

    @property
    def taken_for_closed(self) -> bool:
        """Whether the inbox reverses the receipt. One that is already reversed cannot be."""
        return self.older_event is not None and self.believed and self.order_status == RepaymentStatus.SUCCEEDED

    def consequence(self, outcome: CallbackTaken) -> Consequence:
        """A second receipt until it is reversed, a reversed receipt until the channel is queried; or nothing."""
        if (outcome.copies, outcome.new_trade_no) != (self.copies, self.new_trade_no):
            return self._sent_again(outcome)
        return Consequence(
            finding=Finding("missing_in_books", self.repayment_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={"channel_state": TradeState.SUCCESS},
            truth_after={"channel_state": TradeState.SUCCESS, "amount_minor": self.amount_minor},
            served={"older_event": outcome.older_event, "believed": outcome.believed},
            ends_on={applied(self.repayment_id): EntryStatus.HEALED},
            withstood=None if outcome.believed else "a final state does not go back",
        )

    def _sent_again(self, outcome: CallbackTaken) -> Consequence:
        return Consequence(
            finding=Finding("duplicate_in_books", self.receipt_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"receipts": [self.repayment_id]},
            served={"copies": outcome.copies, "new_trade_no": outcome.new_trade_no},
            ends_on={reversed_(self.receipt_id): EntryStatus.HEALED},
            withstood=None if outcome.new_trade_no else "the inbox knows the trade number",
        )
