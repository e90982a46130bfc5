"""The alerts of the platform's own monitoring: what its staff would be told."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, place
from mocklend.api.request_context import open_snapshot
from mocklend.api.responses import rendered
from mocklend.domain.finding import CLASSES
from mocklend.domain.nouns import NextCursor, says
from mocklend.monitoring import alerts as looked_for
from mocklend.monitoring.alerts import CHECKS, AlertDoc, alert_doc
from mocklend.sandboxes.lifecycle import MonitoringDoc, monitoring_doc
from mocklend.validation import OneOf
from mocklend.views.reads import cursor

alerts = APIBlueprint("alerts", __name__)

Check = Annotated[str, OneOf(tuple(CHECKS))]
FindingClass = Annotated[str, OneOf(tuple(CLASSES))]


class AlertList(TypedDict):
    """A page of alerts, and how the sandbox is monitored: with monitoring switched off there are none."""

    monitoring: Annotated[MonitoringDoc, says("How the sandbox is monitored.")]
    alerts: Annotated[list[AlertDoc], says("The alerts of this page, by their ids.")]
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
@alerts.output(document(AlertList))
@alerts.doc(**operation("listAlerts"))
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
        AlertList(
            monitoring=monitoring_doc(snapshot.sandbox),
            alerts=[alert_doc(alert) for alert in found.alerts],
            next_cursor=cursor(found.after) if found.after is not None else None,
        )
    )
