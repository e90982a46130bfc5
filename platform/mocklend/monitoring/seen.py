"""What a check has seen, and how long each kind of thing may last before it is one to tell."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000

BOOKS_BOUND_MS = HOUR_MS
"""Channel and books may differ for so long: four attempts of the slowest retry schedule that begins with quick ones."""
MATCHING_WINDOW_MS = DAY_MS
"""An unapplied receipt is matched within a day."""
PAGE_BOUND_MS = 5 * MINUTE_MS
"""The status page follows the books within five minutes."""
PAYOUT_BOUND_MS = DAY_MS
"""The slowest channel pays within half an hour; a day is more than late."""
BUREAU_SLACK_MS = HOUR_MS
"""What is due at the bureau at midnight has this long to arrive."""
DISPUTE_WARNING_MS = 3 * DAY_MS
"""A dispute that nobody has decided is told so long before its deadline."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that should not be, as one check sees it.

    `finding_class` is a word of `domain.finding.CLASSES`, or None where no two records disagree. `difference_minor` is
    what the channel has more than the books (less: negative), for those checks that compare money; a tolerance acts on
    that alone. `since_ms` is when the cause began, `raised_ms` when it had lasted longer than it may.
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
        """One of its kind: the same cause has the same alert, whenever one looks."""
        return f"alr_{self.check}.{self.entity}"
