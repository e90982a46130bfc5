"""The alerts of the platform's own monitoring: what its staff would be told."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.answers import rendered
from mocklend.api.asking import lender, snapshot
from mocklend.api.fields import Choice, Doc, Id
from mocklend.api.lists import Paged, place
from mocklend.api.openapi import described
from mocklend.api.sandboxes import MonitoringDoc
from mocklend.domain.finding import CLASSES
from mocklend.monitoring import alerts as looked_for
from mocklend.monitoring.alerts import CHECKS, alert_doc
from mocklend.views.reads import cursor

alerts = APIBlueprint("alerts", __name__)

Check = Annotated[str, Choice(tuple(CHECKS))]
FindingClass = Annotated[str, Choice(tuple(CLASSES))]


class AlertDoc(Doc):
    """Something that should not be. `class` is null where no two records disagree and something merely stands still."""

    id: str
    check: Check
    finding_class: FindingClass | None = Field(alias="class")
    entity: str
    loan_id: str | None
    channel: str | None
    amount_minor: int
    currency: str | None
    since: str
    raised_at: str
    detail: str


class AlertList(Doc):
    """A page of alerts, and how the sandbox is monitored: with monitoring switched off there are none."""

    monitoring: MonitoringDoc
    alerts: list[AlertDoc]
    next_cursor: str | None


class AlertQuery(Paged):
    """Which alerts."""

    finding_class: FindingClass | None = Field(None, alias="class")
    check: Check | None = None
    loan_id: Id | None = None


@alerts.get("/operator/alerts")
@alerts.input(AlertQuery, location="query", arg_name="asked")
@alerts.output(AlertList)
@alerts.doc(**described("listAlerts"))
def list_alerts(asked: AlertQuery) -> Response:
    """What the platform's own monitoring sees now, if it is on. An alert is there for as long as its cause."""
    after = place(asked.cursor)
    with snapshot() as (connection, sandbox_id, now_ms):
        found = looked_for(
            connection,
            lender().sandbox(connection, sandbox_id),
            now_ms,
            finding_class=asked.finding_class,
            check=asked.check,
            loan_id=asked.loan_id,
            after=after,
            limit=asked.limit,
        )
    return rendered(
        {
            "monitoring": found.watch.to_json(),
            "alerts": [alert_doc(one) for one in found.alerts],
            "next_cursor": cursor(found.after) if found.after is not None else None,
        }
    )
