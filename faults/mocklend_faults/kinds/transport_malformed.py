"""The body of the answer is not valid JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class Malformed(Fault):
    """A proxy that rewrites bodies cuts one off and sets its length accordingly: a complete answer, but not JSON.

    The request was carried out all the same. Ada's app cannot see that: it repeats a read; it sends a repayment again
    with the same key, and gets the answer that it missed.
    """

    name: ClassVar[str] = "transport.malformed"
    title: ClassVar[str] = "The answer is not JSON"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "a complete answer that is not JSON"}
    heals: ClassVar[str] = "By itself: the next answer is complete."
    action: ClassVar[str] = (
        "Never conclude that nothing was done; repeat the request, a write with the same Idempotency-Key."
    )

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Break the answer, unless another fault breaks it already."""
        return event if event.break_how != "none" else replace(event, break_how="malformed")
