"""A compensation is promised, and nobody posts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.compensation_agreed import CompensationAgreed
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class CompensationMissing(Fault):
    """The letter says that there will be money, and there is no process that sends it.

    The dispute was upheld, and the desk promises 50.00 for the trouble. Disputes live in one system and postings in
    another; what connects them is a spreadsheet, and its owner has left. The books know of no promise, so nothing is
    missing there, nothing is due, and nobody is reminded. Compare the disputes with the postings of 5004 to 2104, and
    post what was promised.
    """

    name: ClassVar[str] = "compensation.missing"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = "A dispute is upheld, and compensated."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "a version without the promise",
        "list": "the same",
        "instalments": "the same",
        "books": "no posting to 2104",
        "console": "no act that says so",
        "dispute": "an amount that was promised, and no payout",
    }
    heals: ClassVar[str] = "Deciding the same compensation again: then it is posted, and paid."
    action: ClassVar[str] = (
        "Hold each upheld dispute's promise against the postings 5004 to 2104; post what is missing."
    )

    def compensation_agreed(self, event: CompensationAgreed) -> CompensationAgreed:
        """It ends with the promise."""
        return replace(event, posted=False)
