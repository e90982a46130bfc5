"""Another lender decides by a copy that it should have renewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.partner_application import PartnerApplication
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class CachedRefusal(Fault):
    """The other lender keeps its copy for longer than it says.

    The report is corrected, and Ada asks the bank for a fresh look. Each pull costs a fee, so the bank's system takes
    what it has: the report of last month, with the month that has since been put right. She is refused again for a
    record that exists nowhere any more but there. A correction is not over before it has reached every copy. Show the
    pull date, ask for a new pull, and hand in a letter of evidence.
    """

    name: ClassVar[str] = "lender.cached_refusal"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "Somebody applies where the partner's copy is too old, or asks for a fresh report."
    symptom: ClassVar[Mapping[str, str]] = {"partner": "a decision by an old copy"}
    heals: ClassVar[str] = "The next application, if that is decided by a fresh copy."
    action: ClassVar[str] = "Compare the copy's pull date with what the partner promises; apply again for a fresh pull."

    def partner_application(self, event: PartnerApplication) -> PartnerApplication:
        """The old copy is good enough."""
        return replace(event, pulled=False)
