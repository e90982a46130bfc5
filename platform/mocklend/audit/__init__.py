"""The audit: world against books against views. It reads the facts themselves and never asks a fault layer.

    discrepancies(world, books, views)  ==  open entries of the answer key

That identity is only worth something because the two sides are worked out apart: here from what is on record, there
from what a fault did. `checks.py` lists what is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from mocklend.audit.checks import CHECKS, INVARIANTS
from mocklend.audit.report import Audit
from mocklend.audit.subjects import AuditedLoan, groups
from mocklend.audit.totals import load_totals
from mocklend.domain.finding import Discrepancy, Finding, InTransit
from mocklend.storage.snapshot import Snapshot

__all__ = ["CHECKS", "Audit", "audit"]


def audit(snapshot: Snapshot) -> Audit:
    """Run every check on a sandbox, in one snapshot."""
    found = Audit(snapshot.now_ms, INVARIANTS)
    for group in groups(snapshot):
        for one in group.loans:
            found.loans += 1
            found.add(_of_one_loan(one))
        for check in CHECKS:
            if check.loans is not None:
                found.add(check.loans(group))
    totals = load_totals(snapshot)
    for check in CHECKS:
        if check.sandbox is not None:
            found.add(check.sandbox(snapshot))
        if check.totals is not None:
            for detail in check.totals(totals):
                finding = Finding("books_invariant", snapshot.sandbox_id, 0)
                found.add([Discrepancy(finding, None, f"{check.code}: {detail}")])
    found.discrepancies.sort(key=lambda one: (one.loan_id or "", one.finding.finding_class, one.finding.entity))
    return found


def _of_one_loan(audited: AuditedLoan) -> Iterator[Discrepancy | InTransit]:
    loan_id = audited.loan.id
    for check in CHECKS:
        if check.world is not None:
            for detail in check.world(audited.world):
                yield Discrepancy(Finding("world_invariant", loan_id, 0), loan_id, f"{check.code}: {detail}")
        if check.books is not None:
            for detail in check.books(audited.books):
                yield Discrepancy(Finding("books_invariant", loan_id, 0), loan_id, f"{check.code}: {detail}")
        if check.loan is not None:
            yield from check.loan(audited)
