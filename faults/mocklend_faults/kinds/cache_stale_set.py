"""A slow cache fill overwrites the new page with the old one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class StaleSet(Fault):
    """A reader misses the cache, reads the old loan, and fills the cache only after the loan has changed.

    Ada pays, and her page shows CLEAR. Half a minute later it shows "in use" again: a request that had begun before her
    payment, on a slow machine, has filled the cache with the old page. The cache has neither leases nor versions, so it
    accepts the old page. Compare the page's version with the books', have the page refilled, and introduce leases.
    """

    name: ClassVar[str] = "cache.stale_set"
    title: ClassVar[str] = "The old page comes back"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A loan changes, and then does not change for `right_for_s`."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the new version at first, then the one before again",
        "list": "the same",
        "instalments": "the plan of the old version, after that of the new one",
    }
    heals: ClassVar[str] = "Time, if `stale_s` is set; else the next version that is shown, or rebuilding the page."
    action: ClassVar[str] = "Compare the page's version with the books', and refill the page; post nothing."

    right_for_s: int = setting(
        30,
        "How long the new page is shown before the old one returns, in seconds.",
        most=31_536_000,
        title="New page shown for",
    )
    stale_s: int | None = setting(
        3_600,
        "How long the old page is shown then, in seconds; null: until the next write.",
        least=1,
        most=31_536_000,
        nullable=True,
        title="Old page shown for",
    )

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """Let the old page return. Each version has one slow fill at most; a first version has no older page."""
        if event.occurrence <= 1 or event.lost or event.right_for_s is not None:
            return event
        return replace(event, right_for_s=self.right_for_s, returned_for_s=self.stale_s)
