"""An order's receipt is on the books, and the order leaves the desk's list of open ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import reversed_


@dataclass(frozen=True, slots=True)
class OrderPaid:
    """An order leaves the desk's list of open ones, since it is paid. Honestly: nobody does anything more about it.

    With `posted_again` a clerk who works from an older list posts the receipt by hand, as `receipt_id`.
    """

    seam: ClassVar[str] = "order.paid"
    entity: str  # the repayment
    occurrence: int  # 1: an order is paid once
    now_ms: int
    loan_id: str
    borrower_id: str
    repayment_id: str
    receipt_id: str
    channel: str
    amount_minor: int
    currency: str
    late_s: int  # since the channel was paid
    posted_again: bool = False

    def consequence(self, happened: OrderPaid) -> Consequence:
        """A second receipt of money that came once, until it is reversed."""
        return Consequence(
            finding=Finding("duplicate_in_books", self.receipt_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"receipts": [self.repayment_id]},
            served={"receipts": [self.repayment_id, self.receipt_id]},
            ends_on={reversed_(self.receipt_id): EntryStatus.HEALED},
        )
