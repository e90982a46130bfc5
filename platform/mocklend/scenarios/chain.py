"""Who believes what while a scenario is played: each view of its loan, compared with the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mocklend.audit.chain import traced_loan, views_of
from mocklend.runtime import Platform

if TYPE_CHECKING:
    from mocklend.client import Doc


class BelievedRow(NamedTuple):
    """What a view says of the loan, and its mark. Amounts in minor units; None where the view does not say."""

    view: str
    id: str | None
    about: str | None
    status: str | None
    outstanding_minor: int | None
    overdue_minor: int | None
    paid_minor: int | None
    mark: str
    currency: str


def loan_of(state: Doc) -> str | None:
    """The newest loan of a run; None before there is one."""
    loans = [line["answer"].get("id") for line in state["lines"] if line["do"] == "borrow" and line["failed"] is None]
    return loans[-1] if loans else None


def believed_now(platform: Platform, sandbox_id: str, state: Doc) -> list[BelievedRow]:
    """What each view says of the newest loan of a run; nothing before there is one."""
    loan_id = loan_of(state)
    if loan_id is None:
        return []
    with platform.snapshot(sandbox_id) as snapshot:
        views = views_of(traced_loan(snapshot, platform.layer, loan_id))
    return [
        BelievedRow(
            row["view"],
            row["id"],
            row["about"],
            row["status"],
            row["outstanding_minor"],
            row["overdue_minor"],
            row["paid_minor"],
            row["mark"],
            views["currency"],
        )
        for row in views["rows"]
    ]
