"""A channel is down, and every request that needs it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting

CHANNELS = ("any", "auto_debit", "bank_card", "bank_transfer", "bill_pay", "wallet")


@dataclass(frozen=True, slots=True)
class DependencyOutage(Fault):
    """The platform works, but a channel that it depends on is down.

    Ada's page is right and her bank transfer would work, but nothing can be ordered through the wallet, and older
    orders cannot be queried. A repayment that waits for that channel has neither succeeded nor failed.
    """

    name: ClassVar[str] = "outage.dependency"
    title: ClassVar[str] = "A channel is down"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request that needs a channel: an order, an order query, or a path under /channels."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "503 unavailable, for requests that need the channel"}
    heals: ClassVar[str] = "The end of the outage: the rule is disarmed, or its window ends."
    action: ClassVar[str] = (
        "Offer another channel, or repeat later with the same Idempotency-Key. An order without a result may succeed."
    )

    channel: str = setting("any", "The channel that is down.", options=CHANNELS)
    retry_after_s: int = setting(60, "The value of Retry-After, in seconds.", least=0, most=86_400, title="Retry-After")

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Refuse a request that needs the channel, before it is carried out."""
        if event.channel is None or event.answer_code is not None or self.channel not in ("any", event.channel):
            return event
        return replace(event, answer_code="unavailable", retry_after_s=self.retry_after_s, before_work=True)
