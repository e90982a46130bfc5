"""An operator submits an edit of a loan's bill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.about import about_loan
from mocklend.seams.ada import LOAN, MONDAY_MS
from mocklend.seams.edges import Edge
from mocklend.seams.outcome import BadOutcome
from mocklend.seams.seam import Consequence, LoanSeam
from mocklend.seams.signals import recorded, reversed_


@dataclass(frozen=True, slots=True)
class OperatorEdit(LoanSeam):
    """An operator's edit is posted. Honestly it is exactly what the operator meant.

    `amount_minor` is relative, and the books accept any amount from `amount_minor_min` (negative: the largest waiver)
    to `amount_minor_max`, so that a wrong amount can stay well-formed. `books_status` is the status that the books
    derive for the loan at that moment. The finding is `amount_mismatch` on the edit, or `status_mismatch` on the loan.
    """

    seam: ClassVar[str] = "operator.edit"
    edge: ClassVar[Edge] = Edge.PEOPLE_TO_BOOKS
    by_request: ClassVar[bool] = True
    entity_is: ClassVar[str] = "the loan"
    occurrence_is: ClassVar[str] = "the loan's n-th edit"
    edit_id: str
    operator: str
    kind: str
    books_status: str
    amount_minor_min: int
    amount_minor_max: int
    amount_minor: int | None = None
    status: str | None = None

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_loan(MONDAY_MS, LOAN, 1),
            edit_id="edt_ada",
            operator="wang",
            kind="MODIFY_BILL_AMOUNT",
            books_status="USING",
            amount_minor_min=-5_000,
            amount_minor_max=10**15,
            amount_minor=1_250,
        )

    def validate(self, outcome: OperatorEdit) -> None:
        """Require a status for an edit of the status, an acceptable amount for any other. Raises BadOutcome."""
        if self.status is not None:
            if not outcome.status:
                raise BadOutcome("status", "a status", outcome.status)
        elif not outcome.amount_minor or not self.amount_minor_min <= outcome.amount_minor <= self.amount_minor_max:
            expected = f"an amount from {self.amount_minor_min} to {self.amount_minor_max} that is not 0"
            raise BadOutcome("amount_minor", expected, outcome.amount_minor)

    def consequence(self, outcome: OperatorEdit) -> Consequence:
        """An edit on the books that is not what was meant, until it is reversed (or, for a status, outdated)."""
        meant = {"kind": self.kind, "amount_minor": self.amount_minor, "status": self.status}
        done = {"kind": outcome.kind, "amount_minor": outcome.amount_minor, "status": outcome.status}
        ends_on = {reversed_(self.edit_id): EntryStatus.HEALED}
        if outcome.status != self.status:
            finding = Finding("status_mismatch", self.loan_id, 0)
            ends_on[recorded(self.loan_id)] = EntryStatus.SUPERSEDED
        else:
            stake = abs((outcome.amount_minor or 0) - (self.amount_minor or 0))
            finding = Finding("amount_mismatch", self.edit_id, stake)
        return Consequence(
            finding=finding, loan_id=self.loan_id, truth_before={}, truth_after=meant, served=done, ends_on=ends_on
        )
