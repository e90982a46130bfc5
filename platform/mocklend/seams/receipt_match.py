"""An operator matches a receipt without a usable reference with a loan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.ada import MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.outcome import BadOutcome
from mocklend.seams.seam import Consequence, Seam
from mocklend.seams.signals import applied, taken_back


@dataclass(frozen=True, slots=True)
class ReceiptMatch(Seam):
    """An operator matches a receipt without a usable reference with a loan, or moves one from a wrong loan.

    Honestly it goes to the loan that was meant. `siblings` are the borrower's other loans that owe something in the
    receipt's currency, in the order of their ids; the loan that the receipt is moved away from is not among them. The
    finding is `misapplied` on the receipt.
    """

    seam: ClassVar[str] = "receipt.match"
    edge: ClassVar[Edge] = Edge.PEOPLE_TO_BOOKS
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = "the receipt"
    occurrence_is: ClassVar[str] = "the sequence number of its matches and moves, from 1"
    borrower_id: str
    receipt_id: str
    operator: str
    channel: str
    amount_minor: int
    payer_name: str
    siblings: tuple[str, ...]
    loan_id: str = ""

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            entity="rct_ada",
            occurrence=1,
            now_ms=MONDAY_MS,
            borrower_id="brw_ada",
            receipt_id="rct_ada",
            operator="wang",
            channel="bank_transfer",
            amount_minor=20_000,
            currency="CNY",
            payer_name="Ada",
            siblings=("loan_piano",),
            loan_id="loan_ada",
        )

    def validate(self, outcome: ReceiptMatch) -> None:
        """Require a loan of the borrower. Raises BadOutcome."""
        if outcome.loan_id not in (self.loan_id, *self.siblings):
            raise BadOutcome("loan_id", "the loan that was meant, or one of its siblings", outcome.loan_id)

    def consequence(self, outcome: ReceiptMatch) -> Consequence:
        """The right amount on the wrong loan, until it is moved, or its channel returns it."""
        truth = {"loan_id": self.loan_id}
        return Consequence(
            finding=Finding("misapplied", self.receipt_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after=truth,
            served={"loan_id": outcome.loan_id},
            ends_on={applied(self.receipt_id): EntryStatus.HEALED, taken_back(self.receipt_id): EntryStatus.SUPERSEDED},
        )
