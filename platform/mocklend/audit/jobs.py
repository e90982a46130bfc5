"""The answer of an audit with what a layer says of it, at once or as a job beside its request."""

from __future__ import annotations

from typing import Annotated

from mocklend.audit import audit, audit_loan
from mocklend.audit.report import AuditDoc
from mocklend.domain.nouns import says
from mocklend.sandboxes.jobs import Progress
from mocklend.scheduling.background import JobDoc, Made, Task
from mocklend.storage.snapshot import PlatformLayer, Snapshot


class AuditJobDoc(JobDoc):
    """An audit that runs beside its request. The last one that is done is kept."""

    result: Annotated[AuditDoc | None, says("The audit, once it is done; null before.")]


def audited(
    snapshot: Snapshot, layer: PlatformLayer | None, since: str | None = None, progress: Progress | None = None
) -> AuditDoc:
    """The audit as JSON: for each discrepancy its injection, and the injections without any discrepancy.

    Raises Refused `mark_unknown`, `mark_too_old`.
    """
    report = audit(snapshot, since, progress)
    if layer is None:
        return report.to_json()
    match = layer.explain_audit(snapshot, [discrepancy.finding for discrepancy in report.discrepancies])
    # An injection of a loan that was not looked at shows in an earlier audit.
    unobserved = match.unobserved if since is None else ()
    return report.to_json(match.explained_by, [entry.to_json() for entry in unobserved])


def audited_loan(snapshot: Snapshot, layer: PlatformLayer | None, loan_id: str) -> AuditDoc:
    """The audit of one loan as JSON. What belongs to no loan is not looked at. Raises Refused `loan_unknown`."""
    report = audit_loan(snapshot, loan_id)
    if layer is None:
        return report.to_json()
    _, explained_by = layer.trace(snapshot, loan_id, [discrepancy.finding for discrepancy in report.discrepancies])
    return report.to_json(explained_by)


def audit_task(layer: PlatformLayer | None) -> Task:
    """A full audit as a job."""

    def task(snapshot: Snapshot, progress: Progress) -> Made:
        made = audited(snapshot, layer, progress=progress)
        unexplained = sum(found["explained_by"] is None for found in made["discrepancies"])
        return Made(made, made["loans"], len(made["discrepancies"]), unexplained)

    return task
