"""A posted receipt is filed by operations staff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import SHOWN_FOR_OVERRIDE, EntryStatus
from mocklend.seams.about import about_order
from mocklend.seams.ada import LOAN, MONDAY_MS, REPAYMENT
from mocklend.seams.edges import Edge
from mocklend.seams.follow_ups import FollowUp, OverrideStatus
from mocklend.seams.outcome import BadOutcome
from mocklend.seams.seam import Consequence, OrderSeam
from mocklend.seams.signals import recorded, reversed_


@dataclass(frozen=True, slots=True)
class RepaymentFiled(OrderSeam):
    """A posted receipt is filed by operations staff. Honestly the loan's status does not change.

    With an `override_status` a clerk sets the status of the bill (`edit_id` is the id of that edit), and the finding is
    `status_mismatch` on the loan.
    """

    seam: ClassVar[str] = "repayment.filed"
    edge: ClassVar[Edge] = Edge.PEOPLE_TO_BOOKS
    entity_is: ClassVar[str] = "the repayment"
    occurrence_is: ClassVar[str] = "1: a receipt is filed once"
    repayment_id: str
    edit_id: str
    books_status: str
    override_status: str | None = None

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_order(MONDAY_MS, LOAN, REPAYMENT),
            repayment_id="rpy_ada",
            edit_id="edt_desk",
            books_status="CLEAR",
        )

    def follow_ups(self) -> tuple[FollowUp, ...]:
        """The edit of the status."""
        if self.override_status is None:
            return ()
        memo = f"Filed with {self.repayment_id}"
        return (OverrideStatus(self.loan_id, self.edit_id, self.override_status, operator="operations", memo=memo),)

    def validate(self, outcome: RepaymentFiled) -> None:
        """Require a known status that differs from the books'. Raises BadOutcome."""
        status = outcome.override_status
        if status is not None and SHOWN_FOR_OVERRIDE.get(status) in (None, self.books_status):
            others = [name for name, shown in SHOWN_FOR_OVERRIDE.items() if shown != self.books_status]
            raise BadOutcome("override_status", f"one of {', '.join(others)}", status)

    def consequence(self, outcome: RepaymentFiled) -> Consequence:
        """A status on the page that the books do not derive, until it is reversed or outdated."""
        truth = {"status": self.books_status}
        return Consequence(
            finding=Finding("status_mismatch", self.loan_id, 0),
            loan_id=self.loan_id,
            truth_before=truth,
            truth_after=truth,
            served={"status": outcome.override_status},
            ends_on={reversed_(outcome.edit_id): EntryStatus.HEALED, recorded(self.loan_id): EntryStatus.SUPERSEDED},
        )
