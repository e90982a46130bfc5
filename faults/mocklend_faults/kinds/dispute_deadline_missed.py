"""A dispute waits in a queue until after its legal deadline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.dispute_opened import DisputeOpened
from mocklend_faults.engine.fault import Fault, setting

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class DeadlineMissed(Fault):
    """The complaints team has a backlog and does not check the deadlines.

    Ada's dispute gets a number, is marked on her credit report and is acknowledged automatically. Then it waits behind
    four thousand others from the same outage. On the twenty-first day nobody has opened it; her report still has the
    dispute mark and the disputed record. The deadline is set by law: report the breach on that day, take the dispute
    out of the queue, and compensate.
    """

    name: ClassVar[str] = "dispute.deadline_missed"
    title: ClassVar[str] = "A dispute misses its deadline"
    finding: ClassVar[str] = "deadline_missed"
    precondition: ClassVar[str] = "A dispute is opened, and the queue takes longer than twenty days."
    symptom: ClassVar[Mapping[str, str]] = {
        "alerts": "a dispute past its deadline",
        "report": "the account is still marked as disputed",
        "webhook": "no event except the breach",
        "console": "no decision",
        "dispute": "no progress, and after twenty days a breach",
    }
    heals: ClassVar[str] = "Time: `queue_days` after it was opened, the dispute leaves the queue."
    action: ClassVar[str] = "Report the breach on that day; then verify, decide and compensate."

    queue_days: int = setting(
        25, "How many days the dispute waits in the queue.", least=1, most=366, title="Time in the queue"
    )

    def dispute_opened(self, event: DisputeOpened) -> DisputeOpened:
        """Let the dispute wait longer."""
        return replace(event, queue_s=event.queue_s + self.queue_days * DAY_S)
