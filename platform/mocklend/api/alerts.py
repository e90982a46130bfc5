"""The alerts of the platform's own monitoring: what its staff would be told."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.fields import Currency, Doc
from mocklend.api.nouns import ChannelId, LoanId, NextCursor
from mocklend.api.openapi import described
from mocklend.api.pagination import Paged, place
from mocklend.api.request_context import open_snapshot
from mocklend.api.responses import rendered
from mocklend.api.sandboxes import MonitoringDoc
from mocklend.domain.finding import CLASSES
from mocklend.monitoring import alerts as looked_for
from mocklend.monitoring.alerts import CHECKS, alert_doc
from mocklend.validation import OneOf
from mocklend.views.reads import cursor

alerts = APIBlueprint("alerts", __name__)

Check = Annotated[str, OneOf(tuple(CHECKS))]
FindingClass = Annotated[str, OneOf(tuple(CLASSES))]


class AlertDoc(Doc):
    """Something that should not be. `class` is null where no two records disagree and something merely stands still."""

    id: str = Field(description="The alert's id.")
    check: Check = Field(description="The check that raised it.")
    finding_class: FindingClass | None = Field(
        alias="class",
        description="The class of break; null where no two records disagree and something merely stands still.",
    )
    entity: str = Field(description="What it is about: a loan, a repayment, a receipt, a payout, by its id.")
    loan_id: LoanId | None
    channel: ChannelId | None
    amount_minor: int = Field(
        description="How much money is in question, in minor units of `currency`; 0 where it is no amount."
    )
    currency: Currency | None
    since: str = Field(description="Since when the state has been wrong. RFC 3339, on the sandbox's clock.")
    raised_at: str = Field(description="When monitoring noticed it. RFC 3339, on the sandbox's clock.")
    detail: str = Field(description="What is wrong, in a sentence.")


class AlertList(Doc):
    """A page of alerts, and how the sandbox is monitored: with monitoring switched off there are none."""

    monitoring: MonitoringDoc = Field(description="How the sandbox is monitored.")
    alerts: list[AlertDoc] = Field(description="The alerts of this page, oldest first.")
    next_cursor: NextCursor | None


class AlertQuery(Paged):
    """Which alerts."""

    finding_class: FindingClass | None = Field(
        default=None, alias="class", description="Only alerts of this class of break."
    )
    check: Check | None = Field(default=None, description="Only alerts of this check.")
    loan_id: LoanId | None = None


@alerts.get("/operator/alerts")
@alerts.input(AlertQuery, location="query", arg_name="asked")
@alerts.output(AlertList)
@alerts.doc(**described("listAlerts"))
def list_alerts(asked: AlertQuery) -> Response:
    """What the platform's own monitoring sees now, if it is on. An alert is there for as long as its cause."""
    after = place(asked.cursor)
    with open_snapshot() as snapshot:
        found = looked_for(
            snapshot,
            finding_class=asked.finding_class,
            check=asked.check,
            loan_id=asked.loan_id,
            after=after,
            limit=asked.limit,
        )
    return rendered(
        {
            "monitoring": found.watch.to_json(),
            "alerts": [alert_doc(alert) for alert in found.alerts],
            "next_cursor": cursor(found.after) if found.after is not None else None,
        }
    )
