"""An operator's edit needs the approval of a second person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EditState, EntryStatus
from mocklend.seams.about import about_loan
from mocklend.seams.ada import LOAN, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, LoanSeam
from mocklend.seams.signals import approved, reversed_


@dataclass(frozen=True, slots=True)
class EditApproval(LoanSeam):
    """An operator's edit is above the sandbox's four-eyes limit, and is not approved.

    Honestly it waits as a draft for a second person (`needed`). Without that it is posted, and the finding is
    `unapproved` on the edit. `amount_minor` is its absolute amount.
    """

    seam: ClassVar[str] = "edit.approval"
    edge: ClassVar[Edge] = Edge.PEOPLE_TO_BOOKS
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = "the loan"
    occurrence_is: ClassVar[str] = "the loan's n-th edit"
    edit_id: str
    operator: str
    kind: str
    amount_minor: int
    needed: bool = True

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_loan(MONDAY_MS, LOAN, 1),
            edit_id="edt_ada",
            operator="wang",
            kind="MODIFY_BILL_AMOUNT",
            amount_minor=5_000,
        )

    def consequence(self, outcome: EditApproval) -> Consequence:
        """An edit on the books that one person alone decided, until it is reversed or approved after all."""
        return Consequence(
            finding=Finding("unapproved", self.edit_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"state": EditState.DRAFT},
            served={"state": EditState.APPLIED, "approver": None},
            ends_on={reversed_(self.edit_id): EntryStatus.HEALED, approved(self.edit_id): EntryStatus.HEALED},
        )
