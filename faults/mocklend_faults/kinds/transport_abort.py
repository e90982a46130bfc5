"""The connection is closed without an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class Abort(Fault):
    """A proxy restarts, or a load balancer times out: the connection is closed before any byte of the answer.

    The request was carried out all the same. Ada's app cannot see that: it repeats a read; it sends a repayment again
    with the same key, and gets the answer that it missed.
    """

    name: ClassVar[str] = "transport.abort"
    title: ClassVar[str] = "The connection is closed"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "the connection is closed without a byte"}
    heals: ClassVar[str] = "By itself: the next answer is complete."
    action: ClassVar[str] = (
        "Never conclude that nothing was done; repeat the request, a write with the same Idempotency-Key."
    )

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Break the answer, unless another fault breaks it already."""
        return event if event.break_how != "none" else replace(event, break_how="abort")
