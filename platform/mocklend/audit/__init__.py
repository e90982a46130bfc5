"""The audit: world against books against views. It reads the facts themselves and never the fault layer.

    discrepancies(world, books, views)  ==  open entries of the answer key

That identity has a meaning only because the two sides are computed independently: here from the stored records, there
from what a fault did. `checks.py` lists the checks.
"""

from __future__ import annotations

from collections.abc import Iterator

from mocklend.audit.checks import BOOKS_CHECKS, CHECKS, INVARIANTS, LOAN_CHECKS, WORLD_CHECKS
from mocklend.audit.report import Audit
from mocklend.audit.subjects import AuditedLoan, groups
from mocklend.audit.totals import load_totals
from mocklend.domain.finding import Discrepancy, Finding, InTransit
from mocklend.storage.snapshot import Snapshot

__all__ = ["CHECKS", "Audit", "audit"]


def audit(snapshot: Snapshot) -> Audit:
    """Run every check on a sandbox, in one snapshot."""
    result = Audit(snapshot.now_ms, INVARIANTS)
    for group in groups(snapshot):
        for loan in group.loans:
            result.loans += 1
            result.add(_of_one_loan(loan))
        for check in CHECKS:
            if check.loans is not None:
                result.add(check.loans(group))
    totals = load_totals(snapshot)
    for check in CHECKS:
        if check.sandbox is not None:
            result.add(check.sandbox(snapshot))
        if check.totals is not None:
            for detail in check.totals(totals):
                finding = Finding("books_invariant", snapshot.sandbox_id, 0)
                result.add([Discrepancy(finding, None, f"{check.code}: {detail}")])
    result.discrepancies.sort(key=lambda d: (d.loan_id or "", d.finding.finding_class, d.finding.entity))
    return result


def _of_one_loan(audited: AuditedLoan) -> Iterator[Discrepancy | InTransit]:
    loan_id = audited.loan.id
    for code, check_world in WORLD_CHECKS:
        for detail in check_world(audited.world):
            yield Discrepancy(Finding("world_invariant", loan_id, 0), loan_id, f"{code}: {detail}")
    for code, check_books in BOOKS_CHECKS:
        for detail in check_books(audited.books):
            yield Discrepancy(Finding("books_invariant", loan_id, 0), loan_id, f"{code}: {detail}")
    for check_loan in LOAN_CHECKS:
        yield from check_loan(audited)
