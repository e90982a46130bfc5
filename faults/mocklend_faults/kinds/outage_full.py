"""Every request is refused with 503."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class FullOutage(Fault):
    """The platform is down, for maintenance or after a crash. Every request is refused and not carried out.

    Ada wants to pay on the due date and cannot. The channels go on without the platform, and the due date passes: she
    becomes overdue through no fault of her own. A fair lender waives the penalty of such a day and does not report it.
    """

    name: ClassVar[str] = "outage.full"
    title: ClassVar[str] = "The platform is down"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "503 unavailable"}
    heals: ClassVar[str] = "The end of the outage: the rule is disarmed, or its window ends."
    action: ClassVar[str] = (
        "Repeat later, a write with the same Idempotency-Key; waive the penalty that an outage has caused."
    )

    retry_after_s: int = setting(60, "The value of Retry-After, in seconds.", least=0, most=86_400, title="Retry-After")

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Refuse the request before it is carried out."""
        if event.answer_code is not None:
            return event
        return replace(event, answer_code="unavailable", retry_after_s=self.retry_after_s, before_work=True)
