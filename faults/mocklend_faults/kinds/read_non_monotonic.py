"""Two replicas serve the page, and one of them is behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class NonMonotonic(Fault):
    """The page is read from two replicas, and nobody is tied to one of them.

    Ada pays and reads "clear". She presses reload and reads "in use"; once more, and it is "clear". The second replica
    replays its log a few minutes behind the first, and the balancer deals requests out by turns. A script that polls
    until it sees CLEAR is content after one read and a test that reads twice goes red. Each answer was true at some
    time; what is broken is that time went backwards. Not a money break: keep to the newest version seen.
    """

    name: ClassVar[str] = "read.non_monotonic"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A loan changes, and its page is read at least twice."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the new version and the one before by turns, as often as it is read",
    }
    heals: ClassVar[str] = "Time: after `lag_s`, or sooner when a newer version is shown or the page rebuilt."
    action: ClassVar[str] = "Keep to the newest version that was seen; nothing is wrong with the money."

    lag_s: int = setting(300, "How far the second replica is behind the first.", least=1, most=31_536_000)

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """The second replica gets the new version later. What is lost is lost on both."""
        if event.occurrence <= 1 or event.lost:
            return event
        return replace(event, replica_lag_s=event.replica_lag_s + self.lag_s)
