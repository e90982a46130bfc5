"""A loan that was audited once, with what explains its discrepancies: its views and its timeline are made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mocklend.audit.chain.noticed import noticed
from mocklend.audit.chain.subject import Subject, subject_of
from mocklend.monitoring.alerts import AlertDoc
from mocklend.seams.layer import TracedInjection
from mocklend.storage.snapshot import PlatformLayer, Snapshot


@dataclass(frozen=True, slots=True)
class TracedLoan:
    """An audited loan, the injections about it in canonical order, and the alerts about it.

    `explained` has for each discrepancy, by its place, the injection behind it, or None.
    """

    subject: Subject
    layer: PlatformLayer | None
    injections: Sequence[TracedInjection]
    explained: Mapping[int, TracedInjection | None]
    alerts: Sequence[AlertDoc]


def traced_loan(snapshot: Snapshot, layer: PlatformLayer | None, loan_id: str) -> TracedLoan:
    """Audit a loan and ask the layer what explains it. Raises Refused `loan_unknown`."""
    subject = subject_of(snapshot, loan_id)
    findings = [discrepancy.finding for discrepancy in subject.discrepancies]
    traced, explained_by = ((), (None,) * len(findings)) if layer is None else layer.trace(snapshot, loan_id, findings)
    by_id = {injection.id: injection for injection in traced}
    explained = {n: by_id.get(id or "") for n, id in enumerate(explained_by)}
    return TracedLoan(subject, layer, traced, explained, noticed(subject))
