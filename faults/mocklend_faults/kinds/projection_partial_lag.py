"""One view of a loan lags while the others are up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.fault import Fault, setting

PAGE, LIST, INSTALMENTS = "page", "list", "instalments"


@dataclass(frozen=True, slots=True)
class PartialLag(Fault):
    """The page, the list and the plan are three projections, each with a projector of its own, and one is stuck.

    Ada's status page says settled, and the list of her loans says unpaid. Support believes whichever view is open. All
    projectors read one journal, and each view has the version from which it was made: the highest version is right.
    Rebuild the view that lags.
    """

    name: ClassVar[str] = "projection.partial_lag"
    title: ClassVar[str] = "One view lags behind the others"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A loan changes: a repayment, an edit, a due date."
    symptom: ClassVar[Mapping[str, str]] = {
        "list": "with the default `view`: the version before, though page and plan have the new one",
    }
    heals: ClassVar[str] = "Time: after `lag_s`, or sooner when a newer version is shown or the page is rebuilt."
    action: ClassVar[str] = "Trust the view with the highest version; rebuild the one that lags."

    view: str = setting(
        LIST, "Which of the three views lags.", options=(PAGE, LIST, INSTALMENTS), title="View that lags"
    )
    lag_s: int = setting(3_600, "How many seconds it lags.", least=1, most=31_536_000)

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """Show the new version later in one view. A version that is lost is shown in none."""
        if event.occurrence <= 1 or event.lost:
            return event
        if self.view == PAGE:
            return replace(event, page_lag_s=event.page_lag_s + self.lag_s)
        if self.view == LIST:
            return replace(event, list_lag_s=event.list_lag_s + self.lag_s)
        return replace(event, instalments_lag_s=event.instalments_lag_s + self.lag_s)
