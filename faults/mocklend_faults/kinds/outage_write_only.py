"""Reads are answered, writes are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class WriteOnlyOutage(Fault):
    """The platform accepts reads and no writes: the primary database is lost, and a replica still answers.

    Every page works. Ada sees what she owes and cannot pay it; an operator sees her dispute and cannot decide it. A
    monitor that only reads reports no error.
    """

    name: ClassVar[str] = "outage.write_only"
    title: ClassVar[str] = "Reads work, writes do not"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request that changes something."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "503 unavailable, while reads are answered"}
    heals: ClassVar[str] = "The end of the outage: the rule is disarmed, or its window ends."
    action: ClassVar[str] = (
        "Repeat later with the same Idempotency-Key; do not conclude from a working page that writes work."
    )

    retry_after_s: int = setting(60, "The value of Retry-After, in seconds.", least=0, most=86_400, title="Retry-After")

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Refuse a write before it is carried out."""
        if not event.writes or event.answer_code is not None:
            return event
        return replace(event, answer_code="unavailable", retry_after_s=self.retry_after_s, before_work=True)
