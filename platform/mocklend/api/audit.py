"""The audit over HTTP: world against books against views, and which injection explains what disagrees."""

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
    """Compare every record with every other, in one snapshot, and pair what disagrees with the answer key."""
    with open_snapshot() as snapshot:
        return rendered(audited(snapshot))


def audited(snapshot: Snapshot) -> AuditDoc:
    """The audit as JSON: for each discrepancy the injection that explains it, and the injections that nothing shows."""
    layer = current_platform().layer
    found = auditing.audit(snapshot)
    if layer is None:
        return found.to_json()
    match = layer.explain_audit(snapshot, [discrepancy.finding for discrepancy in found.discrepancies])
    return found.to_json(match.explained_by, [entry.to_json() for entry in match.unobserved])
