"""One projection of the loan is stuck while the others move on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.fault import Fault, setting

PAGE, LIST, INSTALMENTS = "page", "list", "instalments"


@dataclass(frozen=True, slots=True)
class PartialLag(Fault):
    """The page, the list and the plan are three read models, each with a projector of its own, and one is stuck.

    Ada's loan page says settled. The list of her loans, one click before, says unpaid; the web has it overpaid while
    the telephone has it closed. Support believes whichever screen is open. The projectors read one journal, so each
    view names the version that it was made from: the higher one is right. Rebuild the view that is behind.
    """

    name: ClassVar[str] = "projection.partial_lag"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A loan changes: a repayment, an edit, a due date."
    symptom: ClassVar[Mapping[str, str]] = {
        "list": "with `view` at its default: the version before, though page and plan have the new one",
    }
    heals: ClassVar[str] = "Time: after `lag_s`, or sooner when a newer version is shown or the page rebuilt."
    action: ClassVar[str] = "Believe the view with the higher version; rebuild the one that is behind."

    view: str = setting(LIST, "Which of the three views is behind.", options=(PAGE, LIST, INSTALMENTS))
    lag_s: int = setting(3_600, "How long it stays behind.", least=1, most=31_536_000)

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """One view gets the new version later. What is lost is lost for all of them."""
        if event.occurrence <= 1 or event.lost:
            return event
        if self.view == PAGE:
            return replace(event, page_lag_s=event.page_lag_s + self.lag_s)
        if self.view == LIST:
            return replace(event, list_lag_s=event.list_lag_s + self.lag_s)
        return replace(event, instalments_lag_s=event.instalments_lag_s + self.lag_s)
