"""An Idempotency-Key expires too early, and the repeated request is carried out a second time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.idempotency_checked import IdempotencyChecked
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class IdempotencyExpired(Fault):
    """The table of keys has grown too large, so keys are kept for a minute instead of a day.

    Ada's app orders a repayment, gets no answer, and sends the same request again with the same key, as documented. By
    then the key is deleted. The platform takes it for a new request and orders a second repayment; the channel has two
    valid orders and debits both. The books contain both payments correctly. The sign of the fault is that two orders
    have one key. Reverse one of them, and refund it.
    """

    name: ClassVar[str] = "idempotency.expired"
    title: ClassVar[str] = "An idempotency key expires too early"
    finding: ClassVar[str] = "duplicate_in_channel"
    precondition: ClassVar[str] = (
        "A repayment is ordered again with its key, `kept_for_s` or more after the first order; the first one is not "
        "reversed, and the new one would be accepted."
    )
    symptom: ClassVar[Mapping[str, str]] = {
        "answer": "202 and another repayment, without `Idempotency-Replayed`",
        "page": "twice the intended amount paid",
        "list": "the same",
        "instalments": "the same",
        "repayment": "two with one `idempotency_key`",
        "books": "two receipts",
        "channel": "two trades",
        "statement": "two rows",
        "webhook": "two repayments that succeeded",
    }
    heals: ClassVar[str] = "Reversing one of the two."
    action: ClassVar[str] = "One request is one repayment: reverse the other, and refund it."

    kept_for_s: int = setting(60, "How many seconds a key is kept.", most=30 * 86_400, title="Key kept for")

    def idempotency_checked(self, event: IdempotencyChecked) -> IdempotencyChecked:
        """Forget a key that is older than `kept_for_s`."""
        if event.age_s < self.kept_for_s:
            return event
        return replace(event, forgotten=True)
