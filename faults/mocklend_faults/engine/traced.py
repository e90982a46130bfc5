"""The injections about one loan, each with what its kind says: for the chain of the loan's views and its timeline."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from mocklend.domain.finding import Finding
from mocklend.seams.layer import FieldChange, TracedInjection
from mocklend.storage.snapshot import Snapshot
from mocklend_faults.engine.answer_key import Entry, newest_of_loan, open_of_findings, open_of_loan
from mocklend_faults.engine.catalogue import Catalogue
from mocklend_faults.engine.observed import explain

ENDED_MAX = 50
"""How many of a loan's injections that have ended are returned, the newest."""

_CHANGE = re.compile(r"(\w+): (.*?) -> (.*?)(?=, \w+: |\Z)", re.DOTALL)


def trace(
    snapshot: Snapshot, catalogue: Catalogue, loan_id: str, discrepancies: Sequence[Finding]
) -> tuple[list[TracedInjection], tuple[str | None, ...]]:
    """The injections about a loan in canonical order, and which of them explains each discrepancy."""
    by_class: dict[str, set[str]] = defaultdict(set)
    for finding in discrepancies:
        by_class[finding.finding_class].add(finding.entity)
    found = open_of_loan(snapshot, loan_id)
    for finding_class, entities in sorted(by_class.items()):
        found += open_of_findings(snapshot, finding_class, sorted(entities))
    found += newest_of_loan(snapshot, loan_id, ENDED_MAX)
    entries = sorted({entry.injection: entry for entry in found}.values(), key=lambda entry: entry.order)
    return [traced(entry, catalogue) for entry in entries], explain(discrepancies, entries).explained_by


def traced(entry: Entry, catalogue: Catalogue) -> TracedInjection:
    """An entry with the words of its kind, which are empty if the kind is not installed any more."""
    kind = catalogue.get(entry.fault)
    words: Mapping[str, str] = {} if kind is None else kind.symptom
    return TracedInjection(
        id=entry.injection,
        rule=entry.rule,
        fault=entry.fault,
        seam=entry.seam,
        entity=entry.entity,
        loan_id=entry.loan_id,
        at_ms=entry.at_ms,
        changes=tuple(FieldChange(*match) for match in _CHANGE.findall(entry.effect)),
        finding=entry.finding,
        status=entry.status,
        is_open=entry.open,
        from_ms=entry.from_ms,
        until_ms=entry.until_ms,
        ended_ms=entry.ended_ms,
        title="" if kind is None else kind.title,
        symptom=dict(words),
        action="" if kind is None else kind.action,
        heals="" if kind is None else kind.heals,
    )
