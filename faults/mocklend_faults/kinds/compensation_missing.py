"""A compensation is agreed, and not posted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.compensation_agreed import CompensationAgreed
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class CompensationMissing(Fault):
    """The letter to the borrower promises money, and no process pays it.

    The dispute is upheld, and the operator agrees to a compensation of 50.00. Disputes are in one system and postings
    in another; they are connected by a spreadsheet whose owner has left. The books do not contain the compensation, so
    it is not due there and nobody is reminded. Compare the disputes with the postings from 5004 to 2104, and post the
    missing compensation.
    """

    name: ClassVar[str] = "compensation.missing"
    title: ClassVar[str] = "An agreed compensation is not posted"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = "A dispute is upheld with a compensation."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "a version without the compensation",
        "list": "the same",
        "instalments": "the same",
        "books": "no posting to 2104",
        "console": "no action in the operator log",
        "dispute": "an agreed amount, and no payout",
    }
    heals: ClassVar[str] = "Deciding the same compensation again: then it is posted and paid."
    action: ClassVar[str] = (
        "Compare each upheld dispute's compensation with the postings from 5004 to 2104; post what is missing."
    )

    def compensation_agreed(self, event: CompensationAgreed) -> CompensationAgreed:
        """Do not post the compensation."""
        return replace(event, posted=False)
