"""The answer ends in the middle of its body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class Truncated(Fault):
    """The server or the network fails while the body is sent: half of it arrives, then the connection is closed.

    The request was carried out all the same. Ada's app cannot see that: it repeats a read; it sends a repayment again
    with the same key, and gets the answer that it missed.
    """

    name: ClassVar[str] = "transport.truncated"
    title: ClassVar[str] = "The answer is cut off"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "half of the body, then the connection is closed"}
    heals: ClassVar[str] = "By itself: the next answer is complete."
    action: ClassVar[str] = (
        "Never conclude that nothing was done; repeat the request, a write with the same Idempotency-Key."
    )

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Break the answer, unless another fault breaks it already."""
        return event if event.break_how != "none" else replace(event, break_how="truncated")
