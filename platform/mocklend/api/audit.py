"""The audit over HTTP: world against books against views, and which injection explains what disagrees."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy import Connection

from mocklend import audit as auditing
from mocklend.api.answers import rendered
from mocklend.api.asking import lender, snapshot
from mocklend.api.fields import Doc
from mocklend.api.openapi import described

audit = APIBlueprint("audit", __name__)


class DiscrepancyDoc(Doc):
    """Two records that disagree; `explained_by` is the injection that made them."""

    entity: str
    loan_id: str | None
    amount_minor: int
    detail: str
    explained_by: str | None


class InTransitDoc(Doc):
    """Money that is merely on its way."""

    entity: str
    loan_id: str
    since: str
    age_s: int
    detail: str


class InvariantDoc(Doc):
    """Something that always holds, and whether it does."""

    name: str
    holds: bool
    states: str
    detail: list[str]


class AuditDoc(Doc):
    """An audit. `clean`: nothing disagrees. `unobserved`: injections that should show and do not."""

    now: str
    clean: bool
    loans: int
    discrepancies: list[DiscrepancyDoc]
    in_transit: list[InTransitDoc]
    unobserved: list[dict[str, Any]]
    invariants: list[InvariantDoc]


@audit.get("/-/audit")
@audit.output(AuditDoc)
@audit.doc(**described("audit", "sandbox_unknown"))
def get_audit() -> Response:
    """Compare every record with every other, in one snapshot, and pair what disagrees with the answer key."""
    with snapshot() as (connection, sandbox, now_ms):
        return rendered(audited(connection, sandbox, now_ms))


def audited(connection: Connection, sandbox: str, now_ms: int) -> dict[str, Any]:
    """The audit as JSON: for each discrepancy the injection that explains it, and the injections that nothing shows."""
    layer: Any = lender().layer
    found = auditing.audit(connection, sandbox, now_ms)
    document = found.to_json()
    explained_by: tuple[str | None, ...] = (None,) * len(found.discrepancies)
    unobserved: list[dict[str, Any]] = []
    if layer is not None:
        key = layer.answer_key(connection, sandbox, now_ms)
        explained = layer.explain_audit([one.finding for one in found.discrepancies], key)
        explained_by, unobserved = explained.explained_by, [entry.to_json() for entry in explained.unobserved]
    document["discrepancies"] = [
        {**one, "explained_by": by} for one, by in zip(document["discrepancies"], explained_by, strict=True)
    ]
    return document | {"unobserved": unobserved}
