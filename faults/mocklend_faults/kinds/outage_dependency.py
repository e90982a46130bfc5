"""A channel is down, and all that needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting

CHANNELS = ("any", "auto_debit", "bank_card", "bank_transfer", "bill_pay", "wallet")


@dataclass(frozen=True, slots=True)
class DependencyOutage(Fault):
    """The platform is well, and a channel that it depends on is not.

    Ada's page is right and her bank transfer would work, but through the wallet nothing can be ordered, and what became
    of an older order nobody can ask. A repayment that waits for that channel is neither done nor failed.
    """

    name: ClassVar[str] = "outage.dependency"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request that needs a channel: an order at it, a question to it, its own addresses."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "503 unavailable, for what needs the channel"}
    heals: ClassVar[str] = "The end of the outage: the rule is disarmed, or its window is over."
    action: ClassVar[str] = (
        "Offer another channel, or repeat later with the same Idempotency-Key; an unanswered order is not a failed one."
    )

    channel: str = setting("any", "The channel that is down.", options=CHANNELS)
    retry_after_s: int = setting(60, "What Retry-After says, in seconds.", least=0, most=86_400)

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """What needs the channel is refused before anything is done."""
        if event.channel is None or event.answer_code is not None or self.channel not in ("any", event.channel):
            return event
        return replace(event, answer_code="unavailable", retry_after_s=self.retry_after_s, before_work=True)
