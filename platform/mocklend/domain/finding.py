"""What a reconciler reports and an audit lists: a class of break, the entity it is on, and the money at stake."""

from __future__ import annotations

from dataclasses import dataclass

TIMING = "timing"
"""The class of a single answer: the difference ends by itself, and nobody has to report it."""
CLASSES: dict[str, str] = {
    "missing_in_books": "The channel has the money, and the books have no receipt of it.",
    "missing_in_channel": "The books have a receipt that the channel never had.",
    "unsupported": "An entry is on the books with nothing behind it: no money moved, and nobody approved it.",
    "unidentified": "The money is on the books, but on no loan: its reference identifies no loan.",
    "amount_mismatch": "One event with two amounts: the ordered or paid amount, and the amount on the books.",
    "status_mismatch": "The shown status is not the one that the books derive.",
    "duplicate_in_books": "One receipt is on the books more than once.",
    "duplicate_in_channel": "A channel has charged one payment twice.",
    "left_behind": "End of day has skipped a loan: its status and penalty are those of the day before.",
    "misapplied": "The right amount on the wrong loan or bucket.",
    "stale_view": "A view of the loan is behind the books: its status page, the list or the instalments.",
    "wrong_view": "A status page or quote has the right version, but another amount than the books at it.",
    "wrong_bureau": "The bureau's record differs from the books as of the report.",
    "wrong_statement": "A channel's statement of a day is late, or differs from the channel's movements.",
    "deadline_missed": "An answer was not given by the day on which it was due.",
    TIMING: "One answer was late, broken or wrong. The next read is right, and nothing needs to be reported.",
    "untrue_decision": "A dispute says that something was corrected, and it was not.",
    "unapproved": "An action that needs a second person is on the books without one.",
    "books_invariant": "The books contradict themselves. No fault may cause this.",
    "world_invariant": "The world contradicts itself. No fault may cause this.",
}
"""Each class of break in one sentence; the words follow common reconciliation practice."""

FINDINGS_MAX = 50_000
"""The most findings that are scored at once. Scoring them takes about 100 MB of memory."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One break: its class, the entity it is on, and the amount at stake in minor units (0 where no money is)."""

    finding_class: str
    entity: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Two rows that disagree: what a reconciler should find. `loan_id` is None where it belongs to no single loan.

    `currency` is that of the loan, receipt or statement; None where it is about no money.
    """

    finding: Finding
    loan_id: str | None
    currency: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class InTransit:
    """Money or a message in transit: no discrepancy, and shown with its age."""

    entity: str
    loan_id: str | None
    since_ms: int
    detail: str
