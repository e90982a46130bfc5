"""The connection is closed without an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class Abort(Fault):
    """A proxy restarts, a load balancer loses patience: the connection is closed and not a byte has come.

    The work is done even so. Ada's app sees nothing of it and has to find out: for a read it asks again, for a
    repayment it sends the same request with the same key, and gets the answer that it missed.
    """

    name: ClassVar[str] = "transport.abort"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "the connection is closed, and not a byte has come"}
    heals: ClassVar[str] = "By itself: the next answer is whole."
    action: ClassVar[str] = "Never conclude that nothing was done; ask again, a write with the same Idempotency-Key."

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """The answer breaks, if no other fault has broken it already."""
        return event if event.break_how != "none" else replace(event, break_how="abort")
