"""The platform answers 200 to a callback and then drops it, so the channel believes that all is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class AckedNotApplied(Fault):
    """The handler answers 200 first and works afterwards, and on the way to the queue the message is lost.

    A worker that is restarted, a filter that knows the message type by its old name, a queue that is full. The delivery
    log shows one attempt and 200, and the dashboard says 100 % delivered; the books have nothing. Since the channel was
    told 200, no retry will ever come. The delivery log is no evidence of a posting: only the channel's bill held
    against the books finds it. Then ask the channel for the order and post what it says.
    """

    name: ClassVar[str] = "callback.acked_not_applied"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = "A callback reaches the platform before the books have its money."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "unpaid",
        "list": "unpaid",
        "instalments": "unpaid",
        "books": "no receipt, though the channel says SUCCESS and its callback is ACKED",
        "repayment": "PROCESSING for ever",
        "webhook": "no word of the repayment",
    }
    heals: ClassVar[str] = "Only an order query: the channel was told 200, so it does not try again."
    action: ClassVar[str] = "Do not trust the delivery log; hold the bill against the books and query the order."

    def callback_attempt(self, event: CallbackAttempt) -> CallbackAttempt:
        """200, and nothing more."""
        return replace(event, discarded=True)
