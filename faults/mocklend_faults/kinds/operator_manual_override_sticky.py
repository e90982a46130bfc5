"""A status override does not end when a later payment contradicts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.override_outdated import OverrideOutdated
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class ManualOverrideSticky(Fault):
    """The screen has a field for a status override, but none for its end.

    Ada was late, and a clerk confirmed it correctly with the override OVERDUE. Three days later she pays all that is
    overdue. The payment is posted and the overdue amount is zero, but the page shows the override instead of the
    derived status, and no code ends it. The next month she pays again, and is still shown as overdue. The override is
    older than the receipt: reverse the edit, post nothing.
    """

    name: ClassVar[str] = "operator.manual_override_sticky"
    title: ClassVar[str] = "A status override does not end"
    finding: ClassVar[str] = "status_mismatch"
    precondition: ClassVar[str] = "A loan has a status override, and a later fact changes the status on the books."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the status of the override: paid, and still OVD",
        "list": "the same",
        "books": "an override that is older than the receipt",
        "webhook": "no `loan.status_override_ended`",
        "alerts": "`override_contradicts_books`, if monitoring is on",
    }
    heals: ClassVar[str] = "Reversing the edit, a new status edit, or a later fact that ends the override."
    action: ClassVar[str] = "The override is older than the receipt: reverse the edit and post nothing."

    def override_outdated(self, event: OverrideOutdated) -> OverrideOutdated:
        """Keep the override."""
        return replace(event, dropped=False)
