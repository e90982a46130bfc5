"""The answer ends in the middle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class Truncated(Fault):
    """The server dies or the network drops while the body is on its way: half of it arrives, then the connection ends.

    The work is done even so. Ada's app sees nothing of it and has to find out: for a read it asks again, for a
    repayment it sends the same request with the same key, and gets the answer that it missed.
    """

    name: ClassVar[str] = "transport.truncated"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "half of the body, then the connection is closed"}
    heals: ClassVar[str] = "By itself: the next answer is whole."
    action: ClassVar[str] = "Never conclude that nothing was done; ask again, a write with the same Idempotency-Key."

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """The answer breaks, if no other fault has broken it already."""
        return event if event.break_how != "none" else replace(event, break_how="truncated")
