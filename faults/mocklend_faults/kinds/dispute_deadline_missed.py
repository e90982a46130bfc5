"""A dispute waits in a queue past the day on which the law wants an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.dispute_opened import DisputeOpened
from mocklend_faults.engine.fault import Fault, setting

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class DeadlineMissed(Fault):
    """The complaints desk has a backlog, and nobody looks at the dates.

    Ada's dispute is numbered, marked on her report and acknowledged by machine. Then it lies behind four thousand
    others of the same outage. On the twenty-first day nobody has opened it; the mark on her report is still there, and
    what she disputes is still on it. The deadline is the law's, not the desk's: report the breach on the day, take the
    dispute out of the queue, and compensate.
    """

    name: ClassVar[str] = "dispute.deadline_missed"
    finding: ClassVar[str] = "deadline_missed"
    precondition: ClassVar[str] = "A dispute is opened, and the queue is longer than the twenty days."
    symptom: ClassVar[Mapping[str, str]] = {
        "alerts": "a dispute past its deadline",
        "report": "the account is marked as disputed still",
        "webhook": "no word but the breach",
        "console": "no decision",
        "dispute": "no step forward, and after twenty days a breach",
    }
    heals: ClassVar[str] = "Time: when the desk gets to it, `queue_days` after it was opened."
    action: ClassVar[str] = "Report the breach on the day; then verify, decide and compensate."

    queue_days: int = setting(25, "How long it takes the desk to get to the dispute.", least=1, most=366)

    def dispute_opened(self, event: DisputeOpened) -> DisputeOpened:
        """It waits."""
        return replace(event, queue_s=event.queue_s + self.queue_days * DAY_S)
