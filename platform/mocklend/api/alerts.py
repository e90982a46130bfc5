"""The alerts that the platform's own monitoring raises for its staff."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.nouns import LoanId
from mocklend.api.openapi import operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.request_context import current_platform, open_snapshot
from mocklend.api.responses import rendered
from mocklend.domain.finding import CLASSES
from mocklend.domain.nouns import NextCursor, says
from mocklend.monitoring import alerts as current_alerts
from mocklend.monitoring.alerts import CHECKS, AlertDoc, alert_doc
from mocklend.sandboxes.lifecycle import MonitoringDoc, monitoring_doc
from mocklend.validation import OneOf
from mocklend.views.reads import cursor

alerts = APIBlueprint("alerts", __name__)

Check = Annotated[str, OneOf(tuple(CHECKS))]
FindingClass = Annotated[str, OneOf(tuple(CLASSES))]


class AlertList(TypedDict):
    """A page of alerts, and the monitoring settings of the sandbox. Without monitoring there are no alerts."""

    monitoring: Annotated[MonitoringDoc, says("How the sandbox is monitored.")]
    alerts: Annotated[list[AlertDoc], says("The alerts of this page, by their ids.")]
    next_cursor: NextCursor | None


class AlertQuery(Paged):
    """Filters of the list of alerts."""

    finding_class: FindingClass | None = Field(
        default=None, alias="class", description="Only alerts of this finding class."
    )
    check: Check | None = Field(default=None, description="Only alerts of this check.")
    loan_id: LoanId | None = None


@alerts.get("/operator/alerts")
@alerts.input(AlertQuery, location="query", arg_name="query")
@alerts.output(document(AlertList))
@alerts.doc(**operation("listAlerts"))
def list_alerts(query: AlertQuery) -> Response:
    """The current alerts of the platform's own monitoring. An alert is listed for as long as its cause lasts."""
    after = decode_cursor(query.cursor)
    with open_snapshot() as snapshot:
        page = current_alerts(
            snapshot,
            finding_class=query.finding_class,
            check=query.check,
            loan_id=query.loan_id,
            after=after,
            limit=query.limit,
        )
        everything = (query.finding_class, query.check, query.loan_id, query.cursor) == (None,) * 4
        if everything and page.after is None:
            current_platform().last_looks.note_alerts(snapshot, len(page.alerts))
    return rendered(
        AlertList(
            monitoring=monitoring_doc(snapshot.sandbox),
            alerts=[alert_doc(alert) for alert in page.alerts],
            next_cursor=cursor(page.after) if page.after is not None else None,
        )
    )
