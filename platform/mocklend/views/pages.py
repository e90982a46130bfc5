"""Refreshes the status page. Injections in a view are decided here, when it is written, so that reads write nothing.

Each version of a loan has a row with the moments from which each view shows it; a read takes the newest visible one.
The loan has a short list of the versions that a view can still show: the newest settled one, which all views show, and
those after it.
"""

from __future__ import annotations

import orjson
from msgspec.structs import replace

from mocklend.domain.replay import LoanState
from mocklend.seams.about import about_loan
from mocklend.seams.balance_kept import BalanceKept
from mocklend.seams.seam import PageShown
from mocklend.seams.signals import rebuilt, shown
from mocklend.seams.view_refresh import NEVER_MS, Showing, ViewRefresh
from mocklend.storage.entities import Loan
from mocklend.storage.statements import VIEWS, statement
from mocklend.storage.values import ViewVersion
from mocklend.storage.work import Work
from mocklend.views.render import LoanDoc, loan_doc

INSERT_VIEW = statement(
    "loan_views.insert",
    """INSERT INTO loan_views (sandbox_id, loan_id, version, made_ms, visible_ms, list_ms, instalments_ms, replica_ms,
                               back_ms, again_ms, due_ms, status, borrower_id, doc, state)
       VALUES (:sandbox_id, :loan_id, :version, :made_ms, :visible_ms, :list_ms, :instalments_ms, :replica_ms,
               :back_ms, :again_ms, :due_ms, :status, :borrower_id, :doc, :state)""",
    rank=VIEWS,
)
REPLACE_VIEW = statement(
    "loan_views.replace",
    """UPDATE loan_views SET version = :version, made_ms = :made_ms, visible_ms = :visible_ms, list_ms = :list_ms,
           instalments_ms = :instalments_ms, replica_ms = :replica_ms, back_ms = :back_ms, again_ms = :again_ms,
           due_ms = :due_ms, status = :status, doc = :doc, state = :state
       WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND version = :former""",
    rank=VIEWS + 1,
)
DROP_OLDER = statement(
    "loan_views.drop_older",
    "DELETE FROM loan_views WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND version < :version",
    rank=VIEWS + 2,
)
DROP_LOST = statement(
    "loan_views.drop_lost",
    "DELETE FROM loan_views WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND version = :version",
    rank=VIEWS + 2,
)
NOW_VISIBLE = statement(
    "loan_views.now_visible",
    """UPDATE loan_views SET due_ms = NULL
       WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND version <= :version""",
    rank=VIEWS + 3,
)
REBUILD = statement(
    "loan_views.rebuild",
    """UPDATE loan_views SET visible_ms = :now_ms, list_ms = :now_ms, instalments_ms = :now_ms, replica_ms = :now_ms,
           back_ms = :never_ms, again_ms = :never_ms, due_ms = NULL, status = :status, doc = :doc, state = :state
       WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND version = :version""",
    rank=VIEWS + 4,
)


def refresh(
    work: Work,
    loan: Loan,
    state: LoanState,
    *,
    cause: str,
    channel: str | None = None,
    reverses: str | None = None,
) -> tuple[Loan, LoanDoc]:
    """Show the loan's new version at once, or later as a fault decides.

    Returns the loan with its list of versions, and the page of the new one.
    """
    doc = loan_doc(loan, state, work.now_ms)
    now_ms, versions = work.now_ms, loan.view_versions
    books_minor = doc["outstanding_minor"]
    books_page: PageShown = {"version": doc["version"], "status": doc["status"], "outstanding_minor": books_minor}
    off_minor = _off_minor(work, loan, versions, books_minor, cause, channel) if versions else 0
    doc["outstanding_minor"] += off_minor
    new = ViewVersion(
        version=loan.version,
        made_ms=now_ms,
        status=doc["status"],
        outstanding_minor=doc["outstanding_minor"],
        change_minor=books_minor - versions[-1].books_minor if versions else 0,
        off_minor=off_minor,
    )
    on_page = _on_page(versions, now_ms) if work.armed else None
    if on_page is not None:
        event = ViewRefresh(
            **about_loan(now_ms, loan, loan.version),
            reference=loan.reference,
            channel=channel,
            cause=cause,
            reverses=reverses,
            before=on_page.page,
            after=books_page,
        )
        outcome = work.at(event)
        if outcome.showing().settled_ms > now_ms:
            new = replace(new, waits=outcome.showing(), behind_minor=event.stake_minor())
    former: int | None = None
    if new.behind_minor is None:
        work.signal(shown(loan.id))
        if len(versions) == 1:
            former = versions[0].version
        elif versions:
            work.write(DROP_OLDER, loan_id=loan.id, version=loan.version)
        versions = ()
    else:
        versions = _still_needed(work, loan, versions)
    write_view(work, loan, doc, new.showing, former)
    return replace(loan, view_versions=(*versions, new)), doc


def rebuild(work: Work, loan: Loan, state: LoanState) -> Loan:
    """Show the newest version at once in all views, rebuilt from `state`, the books' state at that version."""
    newest = loan.view_versions[-1]
    doc = loan_doc(loan, state, newest.made_ms)
    work.write(DROP_OLDER, loan_id=loan.id, version=loan.version)
    work.write(
        REBUILD,
        loan_id=loan.id,
        version=loan.version,
        now_ms=work.now_ms,
        never_ms=NEVER_MS,
        status=doc["status"],
        doc=orjson.dumps(doc).decode(),
        state=loan.state,
    )
    work.signal(rebuilt(loan.id))
    shown_version = replace(newest, status=doc["status"], outstanding_minor=doc["outstanding_minor"])
    return replace(loan, view_versions=(replace(shown_version, off_minor=0, waits=None, behind_minor=None),))


def _on_page(versions: tuple[ViewVersion, ...], now_ms: int) -> ViewVersion | None:
    return next((version for version in reversed(versions) if version.showing.on_page(now_ms)), None)


def right(loan: Loan, now_ms: int) -> bool:
    """Whether every view shows the loan's newest version as the books have it, now and later."""
    newest = loan.view_versions[-1]
    return newest.off_minor == 0 and newest.showing.settled_ms <= now_ms


def _off_minor(
    work: Work, loan: Loan, versions: tuple[ViewVersion, ...], balance_minor: int, cause: str, channel: str | None
) -> int:
    """The minor units by which the page's balance will differ from the books, because a fault lost an update of it."""
    last = versions[-1]
    if last.off_minor:
        if balance_minor + last.off_minor >= 0:
            return last.off_minor
        work.signal(rebuilt(loan.id))  # A negative balance makes the store rebuild it from the books.
        return 0
    if not work.armed or not last.change_minor or balance_minor < last.change_minor:
        return 0
    event = BalanceKept(
        **about_loan(work.now_ms, loan, loan.version),
        reference=loan.reference,
        channel=channel,
        cause=cause,
        flushed_minor=last.books_minor - last.change_minor,
        kept_minor=last.books_minor,
        balance_minor=balance_minor,
    )
    return -event.missing_minor if work.at(event).evicted else 0


def _still_needed(work: Work, loan: Loan, versions: tuple[ViewVersion, ...]) -> tuple[ViewVersion, ...]:
    """The versions that a view can still show while the newest waits. Deletes the rows of the others."""
    settled_version = max(
        (version.version for version in versions if version.showing.settled_ms <= work.now_ms), default=0
    )
    if versions and versions[0].version < settled_version:
        work.write(DROP_OLDER, loan_id=loan.id, version=settled_version)
    for version in versions:
        if version.version > settled_version and version.showing.page_ms >= NEVER_MS:
            work.write(DROP_LOST, loan_id=loan.id, version=version.version)
    return tuple(
        version for version in versions if version.version >= settled_version and version.showing.page_ms < NEVER_MS
    )


def write_view(work: Work, loan: Loan, doc: LoanDoc, showing: Showing, former: int | None = None) -> None:
    """Write the row of the loan's newest version, in place of that of the `former` version if no view shows it now."""
    waits = work.now_ms < showing.settled_ms < NEVER_MS
    work.write(
        INSERT_VIEW if former is None else REPLACE_VIEW,
        loan_id=loan.id,
        former=former,
        version=loan.version,
        made_ms=work.now_ms,
        visible_ms=showing.page_ms,
        list_ms=showing.list_ms,
        instalments_ms=showing.instalments_ms,
        replica_ms=showing.replica_ms,
        back_ms=showing.back_ms,
        again_ms=showing.again_ms,
        due_ms=showing.settled_ms if waits else None,
        status=doc["status"],
        borrower_id=loan.borrower_id,
        doc=orjson.dumps(doc).decode(),
        state=loan.state,
    )
