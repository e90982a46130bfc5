"""A callback arrives that the channel did not send so: forged, altered, or recorded and sent again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.callback_attempt import ALTERATIONS, WRONG_KEY, CallbackAttempt
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class ForgedOrAltered(Fault):
    """A callback is altered between the channel and the platform, and the inbox refuses it.

    A key was rotated on one side only; a proxy re-encodes the amount; an attacker records a callback and sends it an
    hour later. The inbox verifies signature, time and amount, so nothing false is posted, and the delivery log has the
    refusal with its code. The payment is missing on the books until the channel's next attempt arrives unaltered. Post
    nothing, raise an alarm, and look for the cause in the delivery log, not on the books.
    """

    name: ClassVar[str] = "callback.forged_or_altered"
    title: ClassVar[str] = "Forged or altered"
    finding: ClassVar[str] = "missing_in_books"
    precondition: ClassVar[str] = "A repayment through a channel."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "unpaid, until an unaltered attempt arrives",
        "list": "unpaid, until then",
        "instalments": "unpaid, until then",
        "books": "no receipt yet, though the channel says SUCCESS, and no false one",
        "repayment": "PROCESSING for longer than its channel takes",
        "webhook": "no event of the repayment yet",
    }
    heals: ClassVar[str] = "The channel's next unaltered attempt, or an order query."
    action: ClassVar[str] = (
        "Raise an alarm and post nothing without a valid signature; wait for the next attempt, or query the order."
    )

    how: str = setting(
        WRONG_KEY,
        "Signed with a wrong key, with a wrong amount, or sent again with an old timestamp.",
        options=ALTERATIONS,
        title="What is wrong with it",
    )
    attempts_altered: int = setting(1, "How many attempts are altered, from the first on.", least=1, most=100)

    def callback_attempt(self, event: CallbackAttempt) -> CallbackAttempt:
        """Alter the first attempts, so that the inbox refuses them."""
        if event.occurrence > self.attempts_altered:
            return event
        return replace(event, altered=self.how)
