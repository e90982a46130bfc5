"""The answer is 200, and there is nothing in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class Empty(Fault):
    """A cache in between stores an answer without its body, a worker dies after the headers: status 200, length 0.

    The work is done even so. Ada's app sees nothing of it and has to find out: for a read it asks again, for a
    repayment it sends the same request with the same key, and gets the answer that it missed.
    """

    name: ClassVar[str] = "transport.empty"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "200 and no body"}
    heals: ClassVar[str] = "By itself: the next answer is whole."
    action: ClassVar[str] = "Never conclude that nothing was done; ask again, a write with the same Idempotency-Key."

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """The answer breaks, if no other fault has broken it already."""
        return event if event.break_how != "none" else replace(event, break_how="empty")
