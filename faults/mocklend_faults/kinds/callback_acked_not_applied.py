"""The platform answers a callback with 200 and then loses it, so the channel does not retry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.callback_attempt import CallbackAttempt
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class AckedNotApplied(Fault):
    """The handler answers 200 before it processes the callback, and the callback is lost before it is queued.

    A worker is restarted, a filter expects another message type, or a queue is full. The delivery log shows one attempt
    with 200, and the dashboard 100 % delivered; the payment is not on the books. Because of the 200, the channel does
    not retry. The delivery log is no evidence of a posting: only a comparison of the channel's statement with the books
    finds the payment. Then query the order at the channel and post the result.
    """

    name: ClassVar[str] = "callback.acked_not_applied"
    title: ClassVar[str] = "Acknowledged, then dropped"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = "A callback arrives whose payment is not on the books yet."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "unpaid",
        "list": "unpaid",
        "instalments": "unpaid",
        "books": "no receipt, though the channel says SUCCESS and its callback is ACKED",
        "repayment": "PROCESSING permanently",
        "webhook": "no event of the repayment",
    }
    heals: ClassVar[str] = "Only an order query: the channel got 200, so it does not retry."
    action: ClassVar[str] = "Compare the statement with the books, not the delivery log, and query the order."

    def callback_attempt(self, event: CallbackAttempt) -> CallbackAttempt:
        """Acknowledge the callback and discard it."""
        return replace(event, discarded=True)
