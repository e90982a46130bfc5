"""Two replicas serve the status page, and one of them lags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class NonMonotonic(Fault):
    """The page is read from two replicas, and readers are not bound to one of them.

    Ada pays and reads CLEAR. She reloads the page and reads USING; she reloads again and reads CLEAR. The second
    replica is a few minutes behind the first, and the load balancer alternates between them. A script that polls until
    it reads CLEAR succeeds, and a test that reads twice fails. Each answer was right at some time, but a later read
    shows an earlier state. The books are right: keep the newest version seen.
    """

    name: ClassVar[str] = "read.non_monotonic"
    title: ClassVar[str] = "Two replicas disagree"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A loan changes, and its page is read at least twice."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the new version and the one before, alternating with each read",
    }
    heals: ClassVar[str] = "Time: after `lag_s`, or sooner when a newer version is shown or the page is rebuilt."
    action: ClassVar[str] = "Keep the newest version that was seen; the books are right."

    lag_s: int = setting(300, "How many seconds the second replica lags behind the first.", least=1, most=31_536_000)

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """Show the new version later on the second replica. A version that is lost is shown on neither."""
        if event.occurrence <= 1 or event.lost:
            return event
        return replace(event, replica_lag_s=event.replica_lag_s + self.lag_s)
