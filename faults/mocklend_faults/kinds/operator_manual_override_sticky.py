"""A status that was set by hand survives what comes after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.override_outdated import OverrideOutdated
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class ManualOverrideSticky(Fault):
    """The screen has a box for "status, by hand" and none for "until when".

    Ada was late, and a clerk confirmed it: OVERDUE, by hand, and rightly so. Three days later she pays all that is
    overdue. The journal takes it and the overdue amount is zero, but a status that a person has set outranks the one
    that is derived, and nobody wrote the line that lets it go. She pays, and is still overdue; she pays again next
    month, and is still overdue. The mark is older than the receipt, so the mark goes: reverse the edit, post nothing.
    """

    name: ClassVar[str] = "operator.manual_override_sticky"
    finding: ClassVar[str] = "status_mismatch"
    precondition: ClassVar[str] = "A status was set by hand, and a later fact makes the books derive another one."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the status of the mark: paid, and still OVD",
        "list": "the same",
        "books": "a mark that is older than the receipt",
        "webhook": "no `loan.status_override_ended`, where the mark should have gone",
        "alerts": "`override_contradicts_books`, where monitoring is on",
    }
    heals: ClassVar[str] = "Reversing the edit, setting the status again, or a later fact that does drop the mark."
    action: ClassVar[str] = "The mark is older than the receipt, so drop it: reverse the edit and post nothing."

    def override_outdated(self, event: OverrideOutdated) -> OverrideOutdated:
        """The mark stays, whatever has come since."""
        return replace(event, dropped=False)
