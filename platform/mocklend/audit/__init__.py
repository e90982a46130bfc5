"""The audit: world against books against views. It reads the facts themselves and never the fault layer.

    discrepancies(world, books, views)  ==  open entries of the answer key

That identity has a meaning only because the two sides are computed independently: here from the stored records, there
from what a fault did. `checks.py` lists the checks.
"""

from __future__ import annotations

from collections.abc import Iterator

from mocklend.audit.checks import BOOKS_CHECKS, CHECKS, INVARIANTS, LOAN_CHECKS, WORLD_CHECKS
from mocklend.audit.marks import Mark, mark_of, read_mark
from mocklend.audit.moments import loans_whose_time_came
from mocklend.audit.report import Audit
from mocklend.audit.shares import receipts_are_even, shares_are_even
from mocklend.audit.subjects import AuditedLoan, AuditedLoans, chosen_groups, groups, loans_of_receipts
from mocklend.audit.totals import load_totals
from mocklend.domain.finding import Discrepancy, Finding, InTransit
from mocklend.domain.problems import Refused
from mocklend.sandboxes.jobs import Progress
from mocklend.storage.changes import changed_since, number_of_loans
from mocklend.storage.schema import RECEIPT_PREFIX
from mocklend.storage.snapshot import EVERY, Chosen, Snapshot

__all__ = ["CHECKS", "Audit", "audit", "audit_loan"]


def audit(snapshot: Snapshot, since: str | None = None, progress: Progress | None = None) -> Audit:
    """Run every check on a sandbox, in one snapshot.

    With `since`, the mark of an earlier audit, on the loans that have changed or whose time has come since then, and
    on what belongs to no loan. Raises Refused `mark_unknown`, `mark_too_old`. `progress` is called now and then with
    the number of loans that a full audit has looked at; what it raises ends the audit.
    """
    result = Audit(snapshot.now_ms, INVARIANTS)
    if since is None:
        even = _audit_all(snapshot, result, progress)
    else:
        even = _audit_again(snapshot, result, read_mark(since, snapshot))
    mark = mark_of(snapshot, even=even, loans=result.loans)
    result.since, result.mark = since, mark.text(snapshot.sandbox_id)
    result.discrepancies.sort(key=lambda d: (d.loan_id or "", d.finding.finding_class, d.finding.entity))
    return result


def _audit_all(snapshot: Snapshot, result: Audit, progress: Progress | None) -> bool:
    """Audit every loan. Returns whether the invariants about the whole sandbox hold."""
    for group in groups(snapshot):
        result.loans += len(group.loans)
        _audit_group(group, result)
        if progress is not None:
            progress(result.loans)
    _audit_chosen(snapshot, EVERY, result)
    _audit_sandbox(snapshot, result)
    return _audit_totals(snapshot, result)


def audit_loan(snapshot: Snapshot, loan_id: str) -> Audit:
    """Run the checks of one loan: not those of the whole sandbox. Raises Refused `loan_unknown`."""
    result = Audit(snapshot.now_ms, {check.code: check.states for check in CHECKS if check.always and check.of_loans})
    result.loans, result.looked_at = number_of_loans(snapshot), []
    for group, chosen in chosen_groups(snapshot, [loan_id]):
        result.looked_at += [loan.loan.id for loan in group.loans]
        _audit_group(group, result)
        _audit_chosen(snapshot, chosen, result)
    if not result.looked_at:
        raise Refused("loan_unknown", f"no loan {loan_id}", loan_id=loan_id)
    result.discrepancies.sort(key=lambda d: (d.finding.finding_class, d.finding.entity))
    return result


def _audit_again(snapshot: Snapshot, result: Audit, mark: Mark) -> bool:
    """Audit the loans that may have other findings than at the mark. Returns as `_audit_all`."""
    changed, new_loans = changed_since(snapshot, mark.n)
    receipts = {subject for subject in changed if subject.startswith(RECEIPT_PREFIX)}
    ids = (changed - receipts) | loans_of_receipts(snapshot, receipts) | loans_whose_time_came(snapshot, mark.now_ms)
    even = mark.even and receipts_are_even(snapshot, receipts)
    result.looked_at, result.loans = [], mark.loans + new_loans
    for group, chosen in chosen_groups(snapshot, sorted(ids)):
        result.looked_at += [loan.loan.id for loan in group.loans]
        _audit_group(group, result)
        _audit_chosen(snapshot, chosen, result)
        even = even and shares_are_even(group)
    _audit_sandbox(snapshot, result)
    return even or _audit_totals(snapshot, result)


def _audit_group(group: AuditedLoans, result: Audit) -> None:
    for loan in group.loans:
        result.add(_of_one_loan(loan))
    for check in CHECKS:
        if check.loans is not None:
            result.add(check.loans(group))


def _audit_chosen(snapshot: Snapshot, loans: Chosen, result: Audit) -> None:
    for check in CHECKS:
        if check.chosen is not None:
            result.add(check.chosen(snapshot, loans))


def _audit_sandbox(snapshot: Snapshot, result: Audit) -> None:
    for check in CHECKS:
        if check.sandbox is not None:
            result.add(check.sandbox(snapshot))


def _audit_totals(snapshot: Snapshot, result: Audit) -> bool:
    """Check the sums over the whole sandbox. Returns whether they are right."""
    totals, even = load_totals(snapshot), True
    for check in CHECKS:
        if check.totals is not None:
            for detail in check.totals(totals):
                finding, even = Finding("books_invariant", snapshot.sandbox_id, 0), False
                result.add([Discrepancy(finding, None, None, f"{check.code}: {detail}")])
    return even


def _of_one_loan(audited: AuditedLoan) -> Iterator[Discrepancy | InTransit]:
    loan_id, currency = audited.loan.id, audited.loan.currency
    for code, check_world in WORLD_CHECKS:
        for detail in check_world(audited.world):
            yield Discrepancy(Finding("world_invariant", loan_id, 0), loan_id, currency, f"{code}: {detail}")
    for code, check_books in BOOKS_CHECKS:
        for detail in check_books(audited.books):
            yield Discrepancy(Finding("books_invariant", loan_id, 0), loan_id, currency, f"{code}: {detail}")
    for check_loan in LOAN_CHECKS:
        yield from check_loan(audited)
