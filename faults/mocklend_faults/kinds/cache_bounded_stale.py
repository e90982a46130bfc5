"""The status page lags behind the books for a limited time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class BoundedStale(Fault):
    """The status page is served from a cache with a time to live.

    The last repayment is posted at 10:00:00 and the loan is CLEAR. The page was cached a moment before, and until the
    copy expires every reader still sees "in use", with the old amount. Some borrowers call, some pay twice. A minute
    later the page is right and nobody can reproduce the error. The books were never wrong: wait for the bound and
    correct nothing; raise an alarm only if the page still lags after it.
    """

    name: ClassVar[str] = "cache.bounded_stale"
    title: ClassVar[str] = "The page lags"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A loan changes: a repayment, an edit, a due date."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the version before, with its old status and amount",
        "list": "the same old version",
        "instalments": "the plan of the old version",
    }
    heals: ClassVar[str] = "Time: after `lag_s`, or sooner when a newer version is shown."
    action: ClassVar[str] = "Wait for the bound and correct nothing; raise an alarm if the page lags longer."

    lag_s: int = setting(60, "How long the page lags behind the books, in seconds.", least=1, most=31_536_000)

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """Show the new version later. A loan's first version is shown at once: there is no older one."""
        if event.occurrence <= 1:
            return event
        return replace(event, lag_s=event.lag_s + self.lag_s)
