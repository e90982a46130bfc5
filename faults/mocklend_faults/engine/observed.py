"""The identity, side by side: what the audit sees against what the answer key says.

Each discrepancy has one open entry that explains it, and each open entry one discrepancy. What is left over on the
left is a bug of ours; on the right, a fault that should show and does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mocklend.domain.finding import Finding
from mocklend_faults.engine.answer_key import Entry

TO_THE_CENT = frozenset({"amount_mismatch", "duplicate_in_books", "missing_in_books", "unsupported"})
"""Classes where the amount is the point. A page may meanwhile be behind by another amount than at first."""


@dataclass(frozen=True, slots=True)
class AuditMatch:
    """For each discrepancy, in order, the injection that explains it, if any; and the open entries left over."""

    explained_by: tuple[str | None, ...]
    unobserved: tuple[Entry, ...]


def explain(discrepancies: Sequence[Finding], entries: Iterable[Entry]) -> AuditMatch:
    """Pair them. An entry explains one discrepancy: a second one on the same entity stays unexplained."""
    left = {(entry.finding.finding_class, entry.finding.entity): entry for entry in entries if entry.open}
    explained_by: list[str | None] = []
    for seen in discrepancies:
        key = (seen.finding_class, seen.entity)
        entry = left.get(key)
        exact = seen.finding_class in TO_THE_CENT
        if entry is None or (exact and entry.finding.amount_minor != seen.amount_minor):
            explained_by.append(None)
            continue
        del left[key]
        explained_by.append(entry.injection)
    return AuditMatch(tuple(explained_by), tuple(sorted(left.values(), key=lambda one: one.order)))
