"""An operator's act needs a second person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EditState, EntryStatus
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import approved, reversed_


@dataclass(frozen=True, slots=True)
class EditApproval:
    """What an operator decides is above the sandbox's limit, and nobody has approved it. Honestly: it waits (`needed`).

    `amount_minor` is what it is about, without its sign.
    """

    seam: ClassVar[str] = "edit.approval"
    entity: str  # the loan
    occurrence: int  # the loan's n-th edit
    now_ms: int
    loan_id: str
    borrower_id: str
    edit_id: str
    operator: str
    kind: str
    amount_minor: int
    currency: str
    needed: bool = True

    def consequence(self, happened: EditApproval) -> Consequence:
        """An act on the books that one person alone decided, until it is reversed or approved after all."""
        return Consequence(
            finding=Finding("unapproved", self.edit_id, self.amount_minor),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"state": EditState.DRAFT},
            served={"state": EditState.APPLIED, "approver": None},
            ends_on={reversed_(self.edit_id): EntryStatus.HEALED, approved(self.edit_id): EntryStatus.HEALED},
        )
