"""A loan is opened on the books and paid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.about import about_loan
from mocklend.seams.ada import LOAN, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.follow_ups import CarryResidueOver, FollowUp
from mocklend.seams.outcome import BadOutcome
from mocklend.seams.seam import Consequence, LoanSeam
from mocklend.seams.signals import reversed_


@dataclass(frozen=True, slots=True)
class LoanOpened(LoanSeam):
    """A loan's books are opened, and it is paid out at once. Honestly they have its principal and nothing else.

    With `residue_minor` an entry is posted besides, as an edit by `migration` (`edit_id`) that nobody decided: a
    positive one raises the bill (a fee), a negative one lowers it. The books accept `amount_minor_min` to
    `amount_minor_max`. The finding is `unsupported` on the edit.
    """

    seam: ClassVar[str] = "loan.opened"
    edge: ClassVar[Edge] = Edge.PEOPLE_TO_BOOKS
    entity_is: ClassVar[str] = "the loan"
    occurrence_is: ClassVar[str] = "1: it is opened once"
    reference: str
    product_id: str | None
    edit_id: str
    principal_minor: int
    amount_minor_min: int
    amount_minor_max: int
    residue_minor: int = 0

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_loan(MONDAY_MS, LOAN, 1),
            reference="ada-1",
            product_id="jiebei-like",
            edit_id="edt_migrated",
            principal_minor=100_000,
            amount_minor_min=-99_999,
            amount_minor_max=10**15,
        )

    def follow_ups(self) -> tuple[FollowUp, ...]:
        """The entry that is carried over."""
        return (CarryResidueOver(self.loan_id, self.edit_id, self.residue_minor),) if self.residue_minor else ()

    def validate(self, outcome: LoanOpened) -> None:
        """Require a residue that the books accept. Raises BadOutcome."""
        if not self.amount_minor_min <= outcome.residue_minor <= self.amount_minor_max:
            raise BadOutcome(
                "residue_minor", f"{self.amount_minor_min} to {self.amount_minor_max}", outcome.residue_minor
            )

    def consequence(self, outcome: LoanOpened) -> Consequence:
        """An entry on the books without any paper, until it is reversed."""
        return Consequence(
            finding=Finding("unsupported", self.edit_id, abs(outcome.residue_minor)),
            loan_id=self.loan_id,
            truth_before={},
            truth_after={"outstanding_minor": self.principal_minor},
            served={"outstanding_minor": self.principal_minor + outcome.residue_minor},
            ends_on={reversed_(self.edit_id): EntryStatus.HEALED},
        )
