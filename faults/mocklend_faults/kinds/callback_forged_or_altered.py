"""A callback arrives that is not what the channel sent: forged, altered, or recorded and sent again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.callback_attempt import ALTERATIONS, WRONG_KEY, CallbackAttempt
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class ForgedOrAltered(Fault):
    """Something between the channel and the platform touches the message, and the inbox refuses what arrives.

    A key was rotated on one side only; a proxy re-encodes the amount; somebody records a message and sends it an hour
    later. The inbox verifies signature, time and amount before it believes anything, so nothing false is posted and the
    delivery log has the refusal, with its code. The genuine message is late by that: until the channel's next attempt
    arrives untouched, the money is missing. Post nothing, raise an alarm, and look at the log rather than at the books.
    """

    name: ClassVar[str] = "callback.forged_or_altered"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = "A repayment through a channel."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "unpaid, until an attempt arrives untouched",
        "list": "unpaid, until then",
        "instalments": "unpaid, until then",
        "books": "no receipt yet, though the channel says SUCCESS; nothing false either",
        "repayment": "PROCESSING for longer than its channel takes",
        "webhook": "no word of the repayment yet",
    }
    heals: ClassVar[str] = "The channel's next attempt that is not touched, or an order query."
    action: ClassVar[str] = (
        "Raise an alarm and post nothing that is not signed; the next attempt, or a query, brings it."
    )

    how: str = setting(
        WRONG_KEY,
        "Signed with a wrong key, for a wrong amount, or recorded and sent again with an old timestamp.",
        options=ALTERATIONS,
    )
    attempts_altered: int = setting(1, "How many attempts are altered, from the first on.", least=1, most=100)

    def callback_attempt(self, event: CallbackAttempt) -> CallbackAttempt:
        """The first attempts are altered, and the inbox refuses them."""
        if event.occurrence > self.attempts_altered:
            return event
        return replace(event, altered=self.how)
