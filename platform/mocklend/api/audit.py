"""The audit over HTTP: compares world, books and views, and names the injection that explains each discrepancy."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend import audit as auditing
from mocklend.api.documents import document
from mocklend.api.openapi import operation
from mocklend.api.request_context import current_platform, open_snapshot
from mocklend.api.responses import rendered
from mocklend.audit.marks import MARK_LENGTH_MAX
from mocklend.audit.report import AuditDoc
from mocklend.storage.snapshot import PlatformLayer, Snapshot
from mocklend.summary import SeenAudit
from mocklend.validation import Body, bounded_str

audit = APIBlueprint("audit", __name__)


class AuditQuery(Body):
    """From where an audit continues."""

    since: Annotated[str, bounded_str(MARK_LENGTH_MAX)] | None = Field(
        default=None,
        description="The `mark` of an earlier audit: look only at what has changed, or whose time came, since then.",
    )


@audit.get("/-/audit")
@audit.input(AuditQuery, location="query", arg_name="query")
@audit.output(document(AuditDoc))
@audit.doc(**operation("audit", "sandbox_unknown", "mark_unknown", "mark_too_old"))
def get_audit(query: AuditQuery) -> Response:
    """Compare world, books and views in one snapshot, and match each discrepancy with the answer key."""
    with open_snapshot() as snapshot:
        made = audited(snapshot, current_platform().layer, query.since)
    if query.since is None:
        current_platform().last_looks.note_audit(snapshot.sandbox_id, seen_audit(made))
    return rendered(made)


def seen_audit(made: AuditDoc) -> SeenAudit:
    """What is kept of a full audit."""
    return {
        "at": made["now"],
        "clean": made["clean"],
        "discrepancies": len(made["discrepancies"]),
        "unexplained": sum(found["explained_by"] is None for found in made["discrepancies"]),
    }


def audited(snapshot: Snapshot, layer: PlatformLayer | None, since: str | None = None) -> AuditDoc:
    """The audit as JSON: for each discrepancy its injection, and the injections without any discrepancy.

    Raises Refused `mark_unknown`, `mark_too_old`.
    """
    report = auditing.audit(snapshot, since)
    if layer is None:
        return report.to_json()
    match = layer.explain_audit(snapshot, [discrepancy.finding for discrepancy in report.discrepancies])
    # An injection of a loan that was not looked at shows in an earlier audit.
    unobserved = match.unobserved if since is None else ()
    return report.to_json(match.explained_by, [entry.to_json() for entry in unobserved])
