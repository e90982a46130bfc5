"""The cache invalidation of a status page is lost, so the old page stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class LostInvalidation(Fault):
    """The message that invalidates a cached page is lost, and the page has no time to live.

    Ada pays her loan off and the payment is posted. The invalidation of her page is lost, because a deployment is
    restarting the consumers of that queue, and it is not sent again. Her page says "in use" until the loan changes
    again, and a settled loan does not change. Waiting does not help. The books are right, so post nothing: rebuild the
    page.
    """

    name: ClassVar[str] = "cache.lost_invalidation"
    title: ClassVar[str] = "The old page stays"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A loan changes: a repayment, an edit, a due date."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the version before, with its old status and amount, permanently",
        "list": "the same old version",
        "instalments": "the plan of the old version",
        "alerts": "a page that lags beyond its bound",
    }
    heals: ClassVar[str] = "Not by itself; the next version that is shown, or rebuilding the page."
    action: ClassVar[str] = "Rebuild the page from the books, and post nothing."

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """Show the new version in no view. A loan's first version is shown: there is no older one."""
        if event.occurrence <= 1:
            return event
        return replace(event, lost=True)
