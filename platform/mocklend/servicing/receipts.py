"""Reversing a receipt that was posted twice. The channel has the money once, so the second receipt has no effect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from mocklend.channels.payments import receipt_doc
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import ReceiptState
from mocklend.lending.books import state_of
from mocklend.lending.operator_log import RECEIPT_REVERSED, bill_of, log_operator_action
from mocklend.lending.required import require_receipt
from mocklend.sandboxes.ids import order_no
from mocklend.servicing.edits import reverse_fact
from mocklend.storage.entities import Loan
from mocklend.storage.work import Answer, Idempotency, Key, Work
from mocklend.webhooks.outbox import emit, receipt_data


@dataclass(frozen=True, slots=True)
class ReverseReceipt:
    """Reverse a second receipt. The order's own receipt stays; later repayments are replayed."""

    sandbox_id: str
    idem: Idempotency | None
    receipt_id: str
    memo: str
    operator: str

    def needs(self) -> Iterable[Key]:
        """The receipt; `decide` loads its loan."""
        return (("receipt", self.receipt_id),)

    def decide(self, work: Work) -> Answer:
        """201 and the receipt, REVERSED. Raises Refused `receipt_unknown`, `receipt_not_second`."""
        receipt = require_receipt(work, self.receipt_id)
        if (
            receipt.out_trade_no == order_no(receipt.id)
            or receipt.state != ReceiptState.APPLIED
            or receipt.loan_id is None
        ):
            raise Refused(
                "receipt_not_second",
                f"the receipt of {receipt.out_trade_no} is {receipt.state}",
                expected="an APPLIED receipt of an order that has its own receipt",
                received=receipt.state,
                receipt_id=receipt.id,
            )
        loan = work.get(Loan, receipt.loan_id)
        before = bill_of(loan, state_of(loan))
        posted = reverse_fact(work, loan.id, receipt.id, "receipt")
        receipt = replace(receipt, state=ReceiptState.REVERSED)
        work.put(receipt)
        log_operator_action(
            work,
            posted.loan,
            RECEIPT_REVERSED,
            receipt.id,
            memo=self.memo,
            operator=self.operator,
            before=before,
            after=bill_of(posted.loan, posted.state),
        )
        emit(work, "receipt.reversed", loan.id, receipt.id, receipt_data(receipt))
        return Answer(201, receipt_doc(receipt))
