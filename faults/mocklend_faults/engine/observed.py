"""The identity: the discrepancies of an audit against the open entries of the answer key.

Each discrepancy has one open entry that explains it, and each open entry one discrepancy. A discrepancy without an
entry is a bug of the platform; an entry without a discrepancy is a fault that should be visible and is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mocklend.domain.finding import Finding
from mocklend_faults.engine.answer_key import Entry

TO_THE_CENT = frozenset({"amount_mismatch", "duplicate_in_books", "missing_in_books", "unsupported"})
"""Classes where the amounts must be equal, too. In the others it may change: a status page falls further behind."""


@dataclass(frozen=True, slots=True)
class AuditMatch:
    """For each discrepancy, in order, the id of the injection that explains it; and entries without a discrepancy."""

    explained_by: tuple[str | None, ...]
    unobserved: tuple[Entry, ...]


def explain(discrepancies: Sequence[Finding], entries: Iterable[Entry]) -> AuditMatch:
    """Pair discrepancies with open entries. An entry explains one: a second on the same entity stays unexplained."""
    unpaired = {(entry.finding.finding_class, entry.finding.entity): entry for entry in entries if entry.open}
    explained_by: list[str | None] = []
    for finding in discrepancies:
        key = (finding.finding_class, finding.entity)
        entry = unpaired.get(key)
        exact = finding.finding_class in TO_THE_CENT
        if entry is None or (exact and entry.finding.amount_minor != finding.amount_minor):
            explained_by.append(None)
            continue
        del unpaired[key]
        explained_by.append(entry.injection)
    return AuditMatch(tuple(explained_by), tuple(sorted(unpaired.values(), key=lambda entry: entry.order)))
