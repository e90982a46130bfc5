"""The message that should have refreshed the page never came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.fault import Fault


@dataclass(frozen=True, slots=True)
class LostInvalidation(Fault):
    """The message that tells the cache to forget a page is lost, and the page has no time to live.

    Ada pays her loan off. The books post it, the cache is told to drop her page, and a deployment is just then moving
    the consumers of that queue. Nobody asks again: her page says "in use" this evening, tomorrow and in a month, until
    something else happens on the loan, and on a settled loan nothing does. Waiting helps nobody. The books are right,
    so post nothing: have the page made anew.
    """

    name: ClassVar[str] = "cache.lost_invalidation"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A loan changes: a repayment, an edit, a due date."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the version before, with its old status and amount, for good",
        "list": "the same old version",
        "instalments": "the plan of the old version",
        "alerts": "a page that is behind its bound",
    }
    heals: ClassVar[str] = "Not by itself: the next version that is shown, or the page being rebuilt."
    action: ClassVar[str] = "Rebuild the page from the books, and post nothing."

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """No view hears of the new version. A loan's first version has no older one to show instead."""
        if event.occurrence <= 1:
            return event
        return replace(event, lost=True)
