"""What a check has seen, and how long each kind of state may last before it is reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mocklend.domain.sentences import SentenceDoc
from mocklend.storage.snapshot import EVERY, Chosen, Snapshot, among
from mocklend.storage.statements import Value

R = TypeVar("R")

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
    detail: SentenceDoc
    channel: str | None = None
    currency: str | None = None
    difference_minor: int | None = None

    @property
    def id(self) -> str:
        """The alert's id: the same cause has the same id at any time."""
        return f"alr_{self.check}.{self.entity}"


NONE = Chosen("1 = 0", {})
"""No ids."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the checks look at: loans, trades by their order numbers, receipts and callbacks. By default, all."""

    loans: Chosen = EVERY
    trades: Chosen = EVERY
    receipts: Chosen = EVERY
    callbacks: Chosen = EVERY

    @classmethod
    def of_loan(cls, loan_id: str, trades: Sequence[str], receipts: Sequence[str], callbacks: Sequence[str]) -> Scope:
        """One loan and its money."""
        loan = Chosen("{column} = :about_loan", {"about_loan": loan_id})
        return cls(loan, *(among(ids) if ids else NONE for ids in (trades, receipts, callbacks)))

    def rows(
        self, snapshot: Snapshot, make: Callable[..., R], sql: str, columns: Mapping[str, str], /, **parameters: Value
    ) -> list[R]:
        """The rows of a query that has the condition of each part of the scope, on the column that is given for it."""
        chosen: dict[str, Chosen] = {part: getattr(self, part) for part in columns}
        filled = sql.format(**{part: chosen[part].by(column) for part, column in columns.items()})
        for part in chosen.values():
            parameters |= part.parameters
        return snapshot.rows(make, filled, **parameters)


ALL = Scope()
"""Everything of a sandbox."""

SandboxCheck = Callable[[Snapshot, Scope], Iterable[Seen]]
"""A check of a sandbox, or of a part of it."""
