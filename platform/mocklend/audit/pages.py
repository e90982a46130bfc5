"""What is shown of a loan against its books: status pages, certificates, the credit report."""

from __future__ import annotations

from collections.abc import Iterator

from mocklend.audit.subjects import WRITTEN, AuditedLoan
from mocklend.bureau.checks import check_published_records
from mocklend.domain.finding import Discrepancy, Finding, InTransit
from mocklend.domain.money import format_minor
from mocklend.ledger.invariants import certificate
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.views import reads
from mocklend.views.render import conflicting_override, loan_doc, read_page


def check_views(audited: AuditedLoan) -> Iterator[Discrepancy]:
    """Find views of the loan that do not show its newest version: class `stale_view`."""
    loan, shown = audited.loan, audited.shown
    behind = [view for view in reads.FROM_MS if view not in shown or shown[view][0] != loan.version]
    if behind:
        view, newest = behind[0], loan.view_versions[-1]
        page = read_page(shown[view][1]) if view in shown else None
        # The amount is the page's difference when this version was delayed: the page may catch up in steps.
        stake = newest.behind_minor
        if stake is None:
            stake = abs(newest.outstanding_minor - (page["outstanding_minor"] if page else 0))
        version, status = (page["version"], page["status"]) if page else (0, None)
        detail = f"the {view} shows version {version} ({status}), the books are at {loan.version}"
        yield Discrepancy(Finding("stale_view", loan.id, stake), loan.id, loan.currency, f"{detail} ({newest.status})")


def check_page(audited: AuditedLoan) -> Iterator[Discrepancy]:
    """Compare the newest page, visible or not yet, with the books.

    A wrong balance is a `wrong_view`; any other difference is a `books_invariant`.
    """
    loan = audited.loan
    if WRITTEN not in audited.shown or audited.shown[WRITTEN][0] != loan.version:
        return
    page = read_page(audited.shown[WRITTEN][1])
    expected = loan_doc(loan, audited.state, 0)
    expected["as_of"] = page["as_of"]
    if page == expected:
        return
    difference = page["outstanding_minor"] - expected["outstanding_minor"]
    detail = f"version {loan.version} says {page['status']}, {format_minor(page['outstanding_minor'], loan.currency)}"
    if page != expected | {"outstanding_minor": page["outstanding_minor"]}:
        wrong = f"V4: {detail}, which is not what the books have"
        yield Discrepancy(Finding("books_invariant", loan.id, 0), loan.id, loan.currency, wrong)
    elif difference:
        detail += f", the books have {format_minor(expected['outstanding_minor'], loan.currency)} outstanding"
        yield Discrepancy(Finding("wrong_view", loan.id, abs(difference)), loan.id, loan.currency, detail)


def check_end_of_day(audited: AuditedLoan) -> Iterator[Discrepancy]:
    """Find a loan that an end of day has skipped: class `left_behind`."""
    loan = audited.loan
    if loan.missed_ms is not None:
        detail = f"the end of day of {rfc3339(loan.missed_ms)} skipped it: its status is still {loan.status}"
        yield Discrepancy(Finding("left_behind", loan.id, 0), loan.id, loan.currency, detail)


def check_status_overrides(audited: AuditedLoan) -> Iterator[Discrepancy]:
    """Find a status that was set by hand and that the books do not derive: class `status_mismatch`."""
    loan = audited.loan
    override = conflicting_override(loan)
    if override:
        detail = f"edit {override.edit_id} set the status {override.status}, the books derive {loan.status}"
        yield Discrepancy(Finding("status_mismatch", loan.id, 0), loan.id, loan.currency, detail)


def check_report(audited: AuditedLoan) -> Iterator[Discrepancy | InTransit]:
    """Check what the bureau shows of a loan, if anything was reported: class `wrong_bureau`."""
    if audited.reporting is not None:
        facts = audited.books.facts
        yield from check_published_records(audited.loan, facts, audited.reporting, audited.now_ms, audited.zone)


def check_certificates(audited: AuditedLoan) -> Iterator[Discrepancy]:
    """Check that each settlement certificate rests on books that said CLEAR when it was issued."""
    for id, seq, digest in audited.certificates:
        for detail in certificate(id, seq, digest, audited.books.journal):
            yield Discrepancy(
                Finding("books_invariant", id, 0), audited.loan.id, audited.loan.currency, f"V8: {detail}"
            )
