"""A slow fill of the cache writes the old page over the new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.view_refresh import ViewRefresh
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class StaleSet(Fault):
    """A reader missed the cache, read the old loan, and was slow to put it there; the write was quicker.

    Ada pays and looks: the loan is clear. She shows it to her husband half a minute later, and it is "in use" again.
    Between the two looks a request that had begun before her payment came back from a slow machine and filled the cache
    with what it had read then. There is no lease and no version to refuse it by. The new page was there, so nobody
    believes her. Compare the version with the books', have the page refilled, and ask for leases.
    """

    name: ClassVar[str] = "cache.stale_set"
    finding: ClassVar[str] = "stale_view"
    precondition: ClassVar[str] = "A loan changes, and is left alone for `right_for_s`."
    symptom: ClassVar[Mapping[str, str]] = {
        "page": "the new version at first, then the one before again",
        "list": "the same",
        "instalments": "the plan of the old version, after that of the new one",
    }
    heals: ClassVar[str] = "Time, where `stale_s` is set; else the next version that is shown, or a rebuilt page."
    action: ClassVar[str] = "Compare the version with the books', and refill the page; post nothing."

    right_for_s: int = setting(30, "How long the new page is shown before the old one returns.", most=31_536_000)
    stale_s: int | None = setting(
        3_600,
        "How long the old page then stays; null: until the next write.",
        least=1,
        most=31_536_000,
        nullable=True,
    )

    def view_refresh(self, event: ViewRefresh) -> ViewRefresh:
        """The old value returns. One slow fill is enough for a version, and its first version has no older one."""
        if event.occurrence <= 1 or event.lost or event.right_for_s is not None:
            return event
        return replace(event, right_for_s=self.right_for_s, returned_for_s=self.stale_s)
