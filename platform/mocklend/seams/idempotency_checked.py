"""A request comes again under the key that it came with before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.facts import FAILED_LATE
from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import applied, reversed_


@dataclass(frozen=True, slots=True)
class IdempotencyChecked:
    """A repayment is ordered again, by the same request. Honestly it is answered as it was, and nothing is done.

    Where the key is `forgotten`, the same request is a new one: `again_id` is ordered beside `order_id`. What would be
    refused if it were new does not come here, and is answered as it was.
    """

    seam: ClassVar[str] = "idempotency.checked"
    entity: str  # the repayment that was ordered first
    occurrence: int  # 1: a key is kept or forgotten, however often it comes
    now_ms: int
    loan_id: str
    borrower_id: str
    order_id: str
    again_id: str
    channel: str
    amount_minor: int
    currency: str
    age_s: int  # since when the answer is kept
    forgotten: bool = False

    def consequence(self, happened: IdempotencyChecked) -> Consequence:
        """A borrower who pays twice, until either is taken back."""
        orders = (self.order_id, self.again_id)
        undone = [*(reversed_(id) for id in orders), *(applied(FAILED_LATE + id) for id in orders)]
        return Consequence(
            # One order is as good as the other; the one to be found is the last by its id.
            finding=Finding("duplicate_in_channel", max(orders), self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"orders": [self.order_id]},
            served={"orders": [self.order_id, self.again_id]},
            ends_on=dict.fromkeys(undone, EntryStatus.HEALED),
        )
