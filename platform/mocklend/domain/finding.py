"""What a reconciler reports and an audit lists: a class of break, the entity it is on, and the money at stake."""

from __future__ import annotations

from dataclasses import dataclass

CLASSES: dict[str, str] = {
    "missing_in_books": "The channel has the money, the books do not know of it.",
    "missing_in_channel": "The books have a receipt that the channel never had.",
    "unsupported": "An entry is on the books with nothing behind it: no money moved, and nobody decided it.",
    "unidentified": "The money is on the books, and on no loan: its reference told nobody whose it is.",
    "amount_mismatch": "The same event with two amounts: what was meant or paid, and what is on the books.",
    "status_mismatch": "A status is shown that the books do not derive.",
    "duplicate_in_books": "One receipt is on the books more than once.",
    "duplicate_in_channel": "A channel has taken one payment twice.",
    "left_behind": "The end-of-day batch has left a loan out: its status and penalty are of the day before.",
    "misapplied": "The right amount on the wrong loan or bucket.",
    "stale_view": "A view of the loan is behind the books: its page, the list or the plan.",
    "wrong_view": "A page or quote names the right version and gives another amount than the books have at it.",
    "wrong_bureau": "The bureau shows something else than the books said when it was reported.",
    "wrong_statement": "A channel's file of a day is not there in time, or is not what moved there.",
    "deadline_missed": "An answer that is owed by a certain day was not given by then.",
    "timing": "One answer came late, broken or wrong. The next look is right, and nothing needs to be reported.",
    "untrue_decision": "A dispute says that something was corrected, and it was not.",
    "unapproved": "An act that needs a second person is on the books without one.",
    "books_invariant": "The books contradict themselves. No fault may cause this.",
    "world_invariant": "The record of what happened contradicts itself. No fault may cause this.",
}
"""Each class of break in one sentence; the words follow common reconciliation practice."""

FINDINGS_MAX = 50_000
"""So many findings are scored at once. They cost about 100 MB of memory while they are."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One break: its class, the entity it is on, and the amount at stake in minor units (0 where no money is)."""

    finding_class: str
    entity: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Two records that disagree: what a reconciler should find. `loan_id` is None where it is no one loan's."""

    finding: Finding
    loan_id: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class InTransit:
    """Money or news that is merely on its way: no discrepancy, and shown with its age."""

    entity: str
    loan_id: str | None
    since_ms: int
    detail: str
