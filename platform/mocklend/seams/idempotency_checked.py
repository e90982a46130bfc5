"""A request is repeated under the same idempotency key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.facts import RETURN_PREFIX
from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.ada import MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, OrderSeam
from mocklend.seams.signals import applied, reversed_


@dataclass(frozen=True, slots=True)
class IdempotencyChecked(OrderSeam):
    """A repayment is ordered again, by the same request under the same key. Honestly the stored answer is repeated, and
    nothing is done.

    If the key is `forgotten`, the request is taken for a new one: `duplicate_id` is ordered besides `order_id`. A
    request that would be refused as a new one, or whose key was forgotten before, does not come to this seam. `age_s`
    is the age of the stored answer. The finding is `duplicate_in_channel` on the order with the greater id, until
    either is reversed or returned.
    """

    seam: ClassVar[str] = "idempotency.checked"
    edge: ClassVar[Edge] = Edge.CLIENT
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = "the repayment that was ordered first"
    occurrence_is: ClassVar[str] = "1: a key is kept or forgotten, however often it is repeated"
    order_id: str
    duplicate_id: str
    age_s: int  # age of the stored answer
    forgotten: bool = False

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            entity="rpy_a",
            occurrence=1,
            now_ms=MONDAY_MS,
            loan_id="loan_ada",
            borrower_id="brw_ada",
            order_id="rpy_a",
            duplicate_id="rpy_b",
            channel="wallet",
            amount_minor=20_000,
            currency="CNY",
            age_s=120,
        )

    def consequence(self, outcome: IdempotencyChecked) -> Consequence:
        """A borrower who pays twice, until either order is reversed or returned."""
        orders = (self.order_id, self.duplicate_id)
        undone = [*(reversed_(id) for id in orders), *(applied(RETURN_PREFIX + id) for id in orders)]
        return Consequence(
            # The two orders are equivalent; the finding is on the one with the greater id.
            finding=Finding("duplicate_in_channel", max(orders), self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"orders": [self.order_id]},
            served={"orders": [self.order_id, self.duplicate_id]},
            ends_on=dict.fromkeys(undone, EntryStatus.HEALED),
        )
