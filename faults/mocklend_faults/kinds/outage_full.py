"""Nothing is answered but 503."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class FullOutage(Fault):
    """The platform is down: for maintenance, or because it fell over. Every request is refused, and nothing is done.

    Ada wants to pay on the due day and cannot. The channels go on without the platform, and so does the calendar: a due
    date that passes meanwhile makes her overdue, and nobody asks whose fault that was. A lender with manners waives the
    penalty of such a day and reports nothing of it.
    """

    name: ClassVar[str] = "outage.full"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "503 unavailable"}
    heals: ClassVar[str] = "The end of the outage: the rule is disarmed, or its window is over."
    action: ClassVar[str] = (
        "Repeat later, a write with the same Idempotency-Key; waive what an outage has cost the borrower."
    )

    retry_after_s: int = setting(60, "What Retry-After says, in seconds.", least=0, most=86_400)

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Refused before anything is done."""
        if event.answer_code is not None:
            return event
        return replace(event, answer_code="unavailable", retry_after_s=self.retry_after_s, before_work=True)
