"""A loan is opened on the books and paid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.outcome import BadOutcome
from mocklend.seams.seam import Consequence
from mocklend.seams.signals import reversed_


@dataclass(frozen=True, slots=True)
class LoanOpened:
    """A loan's books begin. Honestly with its principal and nothing else.

    With `residue_minor` an opening entry is carried over besides, as an edit (`edit_id`) that nobody decided: above
    zero it asks for more, below zero for less. The books would take `least_minor` to `most_minor`.
    """

    seam: ClassVar[str] = "loan.opened"
    entity: str  # the loan
    occurrence: int  # 1: it is opened once
    now_ms: int
    loan_id: str
    borrower_id: str
    reference: str
    product_id: str | None
    edit_id: str
    currency: str
    principal_minor: int
    least_minor: int
    most_minor: int
    residue_minor: int = 0

    def validate(self, outcome: LoanOpened) -> None:
        """The books would take the residue. Raises BadOutcome."""
        if not self.least_minor <= outcome.residue_minor <= self.most_minor:
            raise BadOutcome("residue_minor", f"{self.least_minor} to {self.most_minor}", outcome.residue_minor)

    def consequence(self, happened: LoanOpened) -> Consequence:
        """An entry on the books with nothing behind it, until it is reversed."""
        return Consequence(
            finding=Finding("unsupported", self.edit_id, abs(happened.residue_minor)),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"outstanding_minor": self.principal_minor},
            served={"outstanding_minor": self.principal_minor + happened.residue_minor},
            ends_on={reversed_(self.edit_id): EntryStatus.HEALED},
        )
