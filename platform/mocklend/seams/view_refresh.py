"""A loan's views are refreshed: the change, what they showed, what they should show, and from when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from mocklend.domain.finding import Finding
from mocklend.domain.statuses import EntryStatus
from mocklend.seams.about import about_loan
from mocklend.seams.ada import CLEAR, LOAN, MONDAY_MS, USING
from mocklend.seams.edges import Edge
from mocklend.seams.seam import Consequence, LoanSeam, PageShown
from mocklend.seams.signals import rebuilt, shown

NEVER_MS = 253_402_300_799_000
"""The end of the year 9999: never by itself."""


@dataclass(frozen=True, slots=True)
class Showing:
    """From when each view shows one version. From `back_ms` until `again_ms` all views show the old version again.

    A second replica of the page follows the first; with a time of its own, two reads may see two versions.
    """

    page_ms: int
    list_ms: int
    instalments_ms: int
    replica_ms: int
    back_ms: int = NEVER_MS
    again_ms: int = NEVER_MS

    @classmethod
    def at(cls, ms: int) -> Showing:
        """The same time for all views, for good."""
        return cls(ms, ms, ms, ms)

    @property
    def latest_ms(self) -> int:
        """When the last view shows the version."""
        return max(self.page_ms, self.list_ms, self.instalments_ms, self.replica_ms)

    @property
    def settled_ms(self) -> int:
        """From when no view shows an older version; NEVER_MS if that does not happen by itself."""
        return self.latest_ms if self.back_ms == NEVER_MS else max(self.latest_ms, self.again_ms)

    def on_page(self, now_ms: int) -> bool:
        """Whether the page shows this version, unless there is a newer one."""
        return self.page_ms <= now_ms and not self.back_ms <= now_ms < self.again_ms


@dataclass(frozen=True, slots=True)
class ViewRefresh(LoanSeam):
    """A loan has a new version and its views are refreshed, after a receipt, an edit, a reversal or a due date.

    Honestly every view shows the new version at once, and for good. `lag_s` keeps the older one on page, list and plan
    until then; `page_lag_s`, `list_lag_s` and `instalments_lag_s` add to it for one of them, and `replica_lag_s` for
    the second replica of the page, which every other read goes to while the two differ. With `lost` no view ever gets
    this version. With `right_for_s` the new version is shown for that time, and then the older one returns, for
    `returned_for_s` or (null) until a newer version is shown.

    However many views are behind, it is one finding: `stale_view` on the loan, until the last of them shows the newest
    version.
    """

    seam: ClassVar[str] = "view.refresh"
    edge: ClassVar[Edge] = Edge.BOOKS_TO_PAGE
    entity_is: ClassVar[str] = "the loan"
    occurrence_is: ClassVar[str] = "the new version"
    reference: str
    channel: str | None  # of the repayment that caused it, if one did
    cause: str  # receipt, edit, reversal, due_date
    reverses: str | None  # what a reversal reversed: repayment, receipt, reversal, or the kind of the edit
    before: PageShown  # status, outstanding_minor, version: what the page shows now
    after: PageShown  # what it should show
    lag_s: int = 0
    page_lag_s: int = 0
    list_lag_s: int = 0
    instalments_lag_s: int = 0
    replica_lag_s: int = 0
    lost: bool = False
    right_for_s: int | None = None
    returned_for_s: int | None = None

    @classmethod
    def example(cls) -> Self:
        """An honest event."""
        return cls(
            **about_loan(MONDAY_MS, LOAN, 2),
            reference="ada-1",
            channel="wallet",
            cause="receipt",
            reverses=None,
            before=USING,
            after=CLEAR,
        )

    def showing(self) -> Showing:
        """From when on each view shows the new version."""
        if self.lost:
            return Showing.at(NEVER_MS)
        at = self.now_ms + self.lag_s * 1000
        page = at + self.page_lag_s * 1000
        own = (at + self.list_lag_s * 1000, at + self.instalments_lag_s * 1000, page + self.replica_lag_s * 1000)
        late = Showing(page, *own)
        if self.right_for_s is None:
            return late
        back = self.now_ms + self.right_for_s * 1000
        again = NEVER_MS if self.returned_for_s is None else back + self.returned_for_s * 1000
        if late.latest_ms > self.now_ms:  # A version that is late anyway stays hidden until both are over.
            return Showing.at(max(late.latest_ms, again))
        return Showing(page, *own, back_ms=back, again_ms=again)

    def stake_minor(self) -> int:
        """The page's difference in the outstanding amount, while it shows the old version (minor units)."""
        return abs(self.before["outstanding_minor"] - self.after["outstanding_minor"])

    def consequence(self, outcome: ViewRefresh) -> Consequence:
        """A view behind the books until it catches up, a newer version is shown or the page is rebuilt."""
        showing = outcome.showing()
        until_ms = showing.settled_ms
        return Consequence(
            finding=Finding("stale_view", self.loan_id, self.stake_minor()),
            loan_id=self.loan_id,
            truth_before=self.before,
            truth_after=self.after,
            served=self.before,
            ends_on={shown(self.loan_id): EntryStatus.SUPERSEDED, rebuilt(self.loan_id): EntryStatus.HEALED},
            from_ms=self.now_ms if showing.back_ms == NEVER_MS else showing.back_ms,
            until_ms=None if until_ms >= NEVER_MS else until_ms,
        )
