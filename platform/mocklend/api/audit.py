"""The audit over HTTP: compares world, books and views, and names the injection that explains each discrepancy."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.jobs import begin_job, job_response, watched_job
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import BODY_CODES, operation
from mocklend.api.problems import field_problem
from mocklend.api.request_context import current_platform, open_snapshot
from mocklend.api.responses import rendered
from mocklend.api.sandboxes import NOTHING
from mocklend.api.spoken import audit_in_words, reader_language, spoken
from mocklend.audit.jobs import AuditJobDoc, audit_task, audited, audited_loan
from mocklend.audit.marks import MARK_LENGTH_MAX
from mocklend.audit.report import AuditDoc
from mocklend.sandboxes.jobs import AUDIT
from mocklend.summary import SeenAudit
from mocklend.validation import Body, bounded_str

audit = APIBlueprint("audit", __name__)


class AuditQuery(Body):
    """From where an audit continues."""

    since: Annotated[str, bounded_str(MARK_LENGTH_MAX)] | None = Field(
        default=None,
        description="The `mark` of an earlier audit: look only at what has changed, or whose time came, since then.",
    )
    loan_id: LoanId | None = Field(
        default=None, description="Look only at this loan, and not at what belongs to no loan. Not with `since`."
    )


@audit.get("/-/audit")
@audit.input(AuditQuery, location="query", arg_name="query")
@audit.output(document(AuditDoc))
@audit.doc(**operation("audit", "sandbox_unknown", "mark_unknown", "mark_too_old", "loan_unknown"))
def get_audit(query: AuditQuery) -> Response:
    """Compare world, books and views in one snapshot, and match each discrepancy with the answer key."""
    if query.loan_id is not None:
        if query.since is not None:
            raise field_problem("loan_id", "no value beside since", query.loan_id)
        with open_snapshot() as snapshot:
            return _spoken(audited_loan(snapshot, current_platform().layer, query.loan_id))
    with open_snapshot() as snapshot:
        made = audited(snapshot, current_platform().layer, query.since)
    if query.since is None:
        current_platform().last_looks.note_audit(snapshot.sandbox_id, seen_audit(made))
    return _spoken(made)


def _spoken(made: AuditDoc) -> Response:
    return spoken(rendered(audit_in_words(made, reader_language())))


def seen_audit(made: AuditDoc) -> SeenAudit:
    """What is kept of a full audit."""
    return {
        "at": made["now"],
        "clean": made["clean"],
        "discrepancies": len(made["discrepancies"]),
        "unexplained": sum(found["explained_by"] is None for found in made["discrepancies"]),
    }


@audit.post("/-/audits")
@audit.output(document(AuditJobDoc), status_code=202)
@audit.doc(**operation("beginAudit", "sandbox_unknown", *BODY_CODES, reads=NOTHING))
def begin_audit() -> Response:
    """Begin a full audit beside this request. If one runs already, it is that one: `Location` is where to watch it."""
    return begin_job(AUDIT, audit_task(current_platform().layer), "/-/audits")


@audit.get("/-/audits/<id:audit_id>")
@audit.output(document(AuditJobDoc))
@audit.doc(**operation("getAudit", "audit_unknown", parameters={"audit_id": "aud_1"}))
def get_audit_job(audit_id: str) -> Response:
    """One audit: how many loans it has looked at, and its result. The last one that is done is kept."""
    shown = watched_job(AUDIT, audit_id)
    if shown["result"] is not None:
        shown["result"] = audit_in_words(shown["result"], reader_language())
    return job_response(shown)
