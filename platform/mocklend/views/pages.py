"""Refreshing the status page. Where a page is to lag, that is decided here, as it is written: reads stay pure and fast.

Each version of a loan has a row with the moment from which it is visible; a read takes the newest visible one. The
loan keeps a short list of the versions that matter: the one on the page, and those on their way to it.
"""

from __future__ import annotations

import json
from dataclasses import replace

from mocklend.domain.replay import LoanState
from mocklend.seams import ViewRefresh, shown
from mocklend.storage.entities import Loan
from mocklend.storage.statements import VIEWS, statement
from mocklend.storage.work import Work
from mocklend.views.render import loan_doc

INSERT_VIEW = statement(
    "loan_views.insert",
    """INSERT INTO loan_views (sandbox_id, loan_id, version, made_ms, visible_ms, due_ms, status, borrower_id, doc,
           state)
       VALUES (:sandbox_id, :loan_id, :version, :made_ms, :visible_ms, :due_ms, :status, :borrower_id, :doc, :state)""",
    rank=VIEWS,
)
DROP_OLDER = statement(
    "loan_views.drop_older",
    "DELETE FROM loan_views WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND version < :version",
    rank=VIEWS + 1,
)
NOW_VISIBLE = statement(
    "loan_views.now_visible",
    """UPDATE loan_views SET due_ms = NULL
       WHERE sandbox_id = :sandbox_id AND loan_id = :loan_id AND version <= :version""",
    rank=VIEWS + 2,
)


def refresh(work: Work, loan: Loan, state: LoanState, *, cause: str, channel: str | None = None) -> Loan:
    """Show the loan's new version, now or, if a fault says so, later. Gives back the loan with its list of pages."""
    doc = loan_doc(loan, state, work.now_ms)
    pages: list[list[int | str]] = json.loads(loan.pages)
    on_page = max((page for page in pages if int(page[1]) <= work.now_ms), default=None)
    lag_s = 0
    if on_page is not None:
        given = ViewRefresh(
            entity=loan.id,
            occurrence=loan.version,
            now_ms=work.now_ms,
            loan_id=loan.id,
            borrower_id=loan.borrower_id,
            reference=loan.reference,
            channel=channel,
            cause=cause,
            currency=loan.currency,
            before=_said(on_page),
            after={
                "version": loan.version,
                "status": doc["status"],
                "outstanding_minor": doc["outstanding_minor"],
            },
        )
        lag_s = work.act(given).lag_s
    visible_ms = work.now_ms + lag_s * 1000
    kept = [page for page in pages if on_page is None or int(page[0]) >= int(on_page[0])] if lag_s else []
    if lag_s == 0:
        work.signal(shown(loan.id))
    if not lag_s or on_page is not None:
        work.write(DROP_OLDER, loan_id=loan.id, version=on_page[0] if lag_s and on_page else loan.version)
    work.write(
        INSERT_VIEW,
        loan_id=loan.id,
        version=loan.version,
        made_ms=work.now_ms,
        visible_ms=visible_ms,
        due_ms=visible_ms if lag_s else None,
        status=doc["status"],
        borrower_id=loan.borrower_id,
        doc=json.dumps(doc, separators=(",", ":")),
        state=loan.state,
    )
    kept.append([loan.version, visible_ms, doc["status"], doc["outstanding_minor"]])
    return replace(loan, pages=json.dumps(kept, separators=(",", ":")))


def _said(page: list[int | str]) -> dict[str, int | str]:
    version, _, status, outstanding = page
    return {"version": version, "status": status, "outstanding_minor": outstanding}
