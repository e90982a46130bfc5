"""A partner lender decides by an old copy of the credit report instead of pulling a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.partner_application import PartnerApplication
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class CachedRefusal(Fault):
    """The partner lender keeps its copy for longer than it states.

    The report is corrected, and Ada applies at the bank again. Each pull costs a fee, so the bank's system uses its
    copy: the report of last month, without the correction. She is refused again because of a record that exists only in
    that copy. A correction has to reach every copy. Show the pull date, demand a new pull, and submit a letter of
    evidence.
    """

    name: ClassVar[str] = "lender.cached_refusal"
    title: ClassVar[str] = "A lender decides by an old copy"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A borrower applies, and the partner's copy is too old or a new pull is requested."
    symptom: ClassVar[Mapping[str, str]] = {"partner": "a decision by an old copy"}
    heals: ClassVar[str] = "The next application, if it is decided by a new copy."
    action: ClassVar[str] = "Compare the copy's pull date with the partner's rule; apply again with a new pull."

    def partner_application(self, event: PartnerApplication) -> PartnerApplication:
        """Use the old copy."""
        return replace(event, pulled=False)
