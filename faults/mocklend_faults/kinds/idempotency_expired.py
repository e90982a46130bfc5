"""The key of a request is forgotten, and the same request does its work a second time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.idempotency_checked import IdempotencyChecked
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class IdempotencyExpired(Fault):
    """The table of keys has grown too large, and somebody keeps them for a minute instead of a day.

    Ada's app orders a repayment, hears nothing, and sends the same request again under the same key, as it was told to.
    By then the key is pruned. The platform sees a new request and orders a second repayment; the channel has two good
    orders and takes both. The books have it all and nothing in them is wrong. What tells is that two orders carry one
    key. Reverse one of them, and give the money back.
    """

    name: ClassVar[str] = "idempotency.expired"
    finding: ClassVar[str] = "duplicate_in_channel"
    precondition: ClassVar[str] = (
        "A repayment is ordered again under its key, `kept_for_s` or more after the first time; that one was not taken "
        "back, and the new one would not be refused."
    )
    symptom: ClassVar[Mapping[str, str]] = {
        "answer": "202 and another repayment, without `Idempotency-Replayed`",
        "page": "twice as much paid as was meant",
        "list": "the same",
        "instalments": "the same",
        "repayment": "two of one `idempotency_key`",
        "books": "two receipts",
        "channel": "two trades",
        "statement": "two rows",
        "webhook": "two repayments that succeeded",
    }
    heals: ClassVar[str] = "Reversing one of the two."
    action: ClassVar[str] = "One request is one repayment: reverse the other, and pay it back."

    kept_for_s: int = setting(60, "How long a key is remembered.", most=30 * 86_400)

    def idempotency_checked(self, event: IdempotencyChecked) -> IdempotencyChecked:
        """A key that is too old is forgotten."""
        if event.age_s < self.kept_for_s:
            return event
        return replace(event, forgotten=True)
