"""What is shown of a loan, against its books: pages, certificates, the credit report."""

from __future__ import annotations

from collections.abc import Iterator

from mocklend.audit.subjects import WRITTEN, AuditedLoan
from mocklend.bureau.checks import check_published_records
from mocklend.domain.finding import Discrepancy, Finding, InTransit
from mocklend.ledger.invariants import certificate
from mocklend.lending.books import state_of
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.views import reads
from mocklend.views.render import conflicting_override, loan_doc, read_page


def check_views(audited: AuditedLoan) -> Iterator[Discrepancy]:
    """Views of the loan that do not show its newest version: class `stale_view`."""
    loan, shown = audited.loan, audited.shown
    behind = [view for view in reads.FROM_MS if view not in shown or shown[view][0] != loan.version]
    if behind:
        view, newest = behind[0], loan.view_versions[-1]
        said = read_page(shown[view][1]) if view in shown else None
        # At stake is what the page was behind by when this version was made to wait: it may catch up in steps.
        stake = newest.behind_minor
        if stake is None:
            stake = abs(newest.outstanding_minor - (said["outstanding_minor"] if said else 0))
        version, status = (said["version"], said["status"]) if said else (0, None)
        detail = f"the {view} shows version {version} ({status}), the books are at {loan.version}"
        yield Discrepancy(Finding("stale_view", loan.id, stake), loan.id, f"{detail} ({newest.status})")


def check_page(audited: AuditedLoan) -> Iterator[Discrepancy]:
    """The newest page, seen already or on its way, against the books. Its balance is kept apart and may be off.

    A balance that is off is a `wrong_view`; anything else is a `books_invariant`.
    """
    loan = audited.loan
    if WRITTEN not in audited.shown or audited.shown[WRITTEN][0] != loan.version:
        return
    said = read_page(audited.shown[WRITTEN][1])
    wanted = loan_doc(loan, state_of(loan), 0) | {"as_of": said["as_of"]}
    off = said["outstanding_minor"] - wanted["outstanding_minor"]
    detail = f"version {loan.version} says {said['status']}, {said['outstanding_minor']}"
    if said != wanted | {"outstanding_minor": said["outstanding_minor"]}:
        yield Discrepancy(Finding("books_invariant", loan.id, 0), loan.id, f"V4: {detail}, not what it is")
    elif off:
        detail += f", the books have {wanted['outstanding_minor']} outstanding"
        yield Discrepancy(Finding("wrong_view", loan.id, abs(off)), loan.id, detail)


def check_end_of_day(audited: AuditedLoan) -> Iterator[Discrepancy]:
    """A loan that the end-of-day batch has left out: class `left_behind`."""
    loan = audited.loan
    if loan.missed_ms is not None:
        detail = f"the run of {rfc3339(loan.missed_ms)} left it out: it still says {loan.status}"
        yield Discrepancy(Finding("left_behind", loan.id, 0), loan.id, detail)


def check_status_overrides(audited: AuditedLoan) -> Iterator[Discrepancy]:
    """A status that somebody has set by hand and that the books do not derive: class `status_mismatch`."""
    loan = audited.loan
    mark = conflicting_override(loan)
    if mark:
        detail = f"edit {mark.edit_id} marked the bill {mark.status}, the books derive {loan.status}"
        yield Discrepancy(Finding("status_mismatch", loan.id, 0), loan.id, detail)


def check_report(audited: AuditedLoan) -> Iterator[Discrepancy | InTransit]:
    """What the bureau shows of a loan, if anything was ever reported of it: class `wrong_bureau`."""
    if audited.reporting is not None:
        facts = audited.books.facts
        yield from check_published_records(audited.loan, facts, audited.reporting, audited.now_ms, audited.zone)


def check_certificates(audited: AuditedLoan) -> Iterator[Discrepancy]:
    """Each settlement certificate rests on books that said CLEAR when it was issued."""
    for id, seq, digest in audited.certificates:
        for detail in certificate(id, seq, digest, audited.books.journal):
            yield Discrepancy(Finding("books_invariant", id, 0), audited.loan.id, f"V8: {detail}")
