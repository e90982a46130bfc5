"""The audit over HTTP: world against books against views, and which injection explains what disagrees."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend import audit as auditing
from mocklend.api.fields import Doc
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import described
from mocklend.api.request_context import current_platform, open_snapshot
from mocklend.api.responses import rendered
from mocklend.storage.snapshot import Snapshot

audit = APIBlueprint("audit", __name__)


class DiscrepancyDoc(Doc):
    """Two records that disagree; `explained_by` is the injection that made them."""

    entity: str = Field(
        description="The smallest thing that is wrong: a repayment, a receipt, an edit, a loan, by its id."
    )
    loan_id: LoanId | None
    amount_minor: int = Field(description="By how much the records differ, in minor units; 0 where it is no amount.")
    detail: str = Field(description="What disagrees with what, in a sentence.")
    explained_by: str | None = Field(
        description="The injection that made them disagree, by its id on the answer key; null if none did."
    )


class InTransitDoc(Doc):
    """Money that is merely on its way."""

    entity: str = Field(description="What is on its way: a repayment, a receipt or a payout, by its id.")
    loan_id: str = Field(description="The loan that it is for; empty where it is for none.")
    since: str = Field(description="Since when it is on its way. RFC 3339, on the sandbox's clock.")
    age_s: int = Field(description="Seconds since then, on the sandbox's clock.")
    detail: str = Field(description="What is on its way, in a sentence.")


class InvariantDoc(Doc):
    """Something that always holds, and whether it does."""

    name: str = Field(description="The invariant's short name, such as B2.")
    holds: bool = Field(description="Whether it holds now.")
    states: str = Field(description="What always holds, in a sentence.")
    detail: list[str] = Field(description="What breaks it, a line each; empty where it holds.")


class AuditDoc(Doc):
    """An audit. `clean`: nothing disagrees. `unobserved`: injections that should show and do not."""

    now: str = Field(description="When the audit was made. RFC 3339, on the sandbox's clock.")
    clean: bool = Field(description="True where nothing disagrees.")
    loans: int = Field(description="How many loans were examined.")
    discrepancies: list[DiscrepancyDoc] = Field(description="Records that disagree: of world, books and views.")
    in_transit: list[InTransitDoc] = Field(description="Money that is merely on its way; it is no discrepancy.")
    unobserved: list[dict[str, Any]] = Field(
        description="Injections that should be visible, and that the audit does not see. None, unless "
        "Mocklend is wrong."
    )
    invariants: list[InvariantDoc] = Field(description="What always holds, whatever is armed, and whether it does.")


@audit.get("/-/audit")
@audit.output(AuditDoc)
@audit.doc(**described("audit", "sandbox_unknown"))
def get_audit() -> Response:
    """Compare every record with every other, in one snapshot, and pair what disagrees with the answer key."""
    with open_snapshot() as snapshot:
        return rendered(audited(snapshot))


def audited(snapshot: Snapshot) -> dict[str, Any]:
    """The audit as JSON: for each discrepancy the injection that explains it, and the injections that nothing shows."""
    layer = current_platform().layer
    found = auditing.audit(snapshot)
    document = found.to_json()
    explained_by: tuple[str | None, ...] = (None,) * len(found.discrepancies)
    unobserved: list[dict[str, Any]] = []
    if layer is not None:
        match = layer.explain_audit(snapshot, [discrepancy.finding for discrepancy in found.discrepancies])
        explained_by, unobserved = match.explained_by, [entry.to_json() for entry in match.unobserved]
    document["discrepancies"] = [
        {**one, "explained_by": by} for one, by in zip(document["discrepancies"], explained_by, strict=True)
    ]
    return document | {"unobserved": unobserved}
