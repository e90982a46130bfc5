"""What a check has seen, and how long each kind of state may last before it is reported."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000

BOOKS_BOUND_MS = HOUR_MS
"""How long channel and books may differ: four attempts of the slowest schedule that begins with quick retries."""
MATCHING_WINDOW_MS = DAY_MS
"""An unapplied receipt is matched within a day."""
PAGE_BOUND_MS = 5 * MINUTE_MS
"""The status page follows the books within five minutes."""
PAYOUT_BOUND_MS = DAY_MS
"""The slowest channel pays within half an hour; a day is more than late."""
BUREAU_SLACK_MS = HOUR_MS
"""How late a record that is due at midnight may be published."""
DISPUTE_WARNING_MS = 3 * DAY_MS
"""An undecided dispute is reported this long before its deadline."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that needs staff, as one check sees it.

    `finding_class` is one of `domain.finding.CLASSES`, or None if no two records disagree. `difference_minor` is what
    the channel has more than the books (less: negative), for checks that compare money; the tolerance applies to it
    alone. `since_ms` is when the cause began, `raised_ms` when it had lasted longer than it may.
    """

    check: str
    finding_class: str | None
    entity: str
    loan_id: str | None
    amount_minor: int
    since_ms: int
    raised_ms: int
    detail: str
    channel: str | None = None
    currency: str | None = None
    difference_minor: int | None = None

    @property
    def id(self) -> str:
        """The alert's id: the same cause has the same id at any time."""
        return f"alr_{self.check}.{self.entity}"
