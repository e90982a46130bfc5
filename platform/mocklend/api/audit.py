"""The audit over HTTP: compares world, books and views, and names the injection that explains each discrepancy."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend import audit as auditing
from mocklend.api.documents import document
from mocklend.api.openapi import operation
from mocklend.api.request_context import current_platform, open_snapshot
from mocklend.api.responses import rendered
from mocklend.audit.report import AuditDoc
from mocklend.storage.snapshot import Snapshot

audit = APIBlueprint("audit", __name__)


@audit.get("/-/audit")
@audit.output(document(AuditDoc))
@audit.doc(**operation("audit", "sandbox_unknown"))
def get_audit() -> Response:
    """Compare world, books and views in one snapshot, and match each discrepancy with the answer key."""
    with open_snapshot() as snapshot:
        return rendered(audited(snapshot))


def audited(snapshot: Snapshot) -> AuditDoc:
    """The audit as JSON: for each discrepancy its injection, and the injections without any discrepancy."""
    layer = current_platform().layer
    report = auditing.audit(snapshot)
    if layer is None:
        return report.to_json()
    match = layer.explain_audit(snapshot, [discrepancy.finding for discrepancy in report.discrepancies])
    return report.to_json(match.explained_by, [entry.to_json() for entry in match.unobserved])
