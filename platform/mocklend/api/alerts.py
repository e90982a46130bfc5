"""The alerts that the platform's own monitoring raises for its staff, now and at earlier runs of its checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.jobs import begin_job, job_response, watched_job
from mocklend.api.nouns import ChannelId, LoanId
from mocklend.api.openapi import BODY_CODES, operation
from mocklend.api.pagination import Paged, decode_cursor
from mocklend.api.preferences import preferences
from mocklend.api.request_context import current_platform, open_snapshot
from mocklend.api.responses import rendered
from mocklend.api.sandboxes import NOTHING
from mocklend.api.spoken import reader_language, spoken
from mocklend.domain.finding import CLASSES
from mocklend.domain.nouns import NextCursor, says
from mocklend.monitoring import alerts as current_alerts
from mocklend.monitoring.alerts import CHECKS, AlertDoc, alert_doc
from mocklend.monitoring.history import (
    STATES,
    AlertHistory,
    AlertRunDoc,
    AlertRunJobDoc,
    KeptFilter,
    checks_task,
    history,
)
from mocklend.monitoring.incidents import IncidentList, incidents
from mocklend.sandboxes.jobs import CHECKS as CHECKS_JOB
from mocklend.sandboxes.lifecycle import MonitoringDoc, monitoring_doc
from mocklend.validation import OneOf
from mocklend.views.reads import Lists, cursor

alerts = APIBlueprint("alerts", __name__)

RUNS = "/operator/alerts/runs"

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


class HistoryQuery(AlertQuery):
    """Filters of the lists of kept alerts and of incidents."""

    channel: ChannelId | None = None

    state: Annotated[str, OneOf(STATES)] | None = Field(
        default=None, description="Only what is `open`, as of the last run, or `closed`."
    )

    @property
    def only(self) -> KeptFilter:
        """The filters, without the page."""
        return KeptFilter(self.state, self.finding_class, self.check, self.channel, self.loan_id)


@alerts.get("/operator/alerts")
@alerts.input(AlertQuery, location="query", arg_name="query")
@alerts.output(document(AlertList))
@alerts.doc(**operation("listAlerts"))
def list_alerts(query: AlertQuery) -> Response:
    """The current alerts of the platform's own monitoring. An alert is listed for as long as its cause lasts."""
    after = decode_cursor(Lists.ALERTS, query.cursor)
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
    return spoken(
        rendered(
            AlertList(
                monitoring=monitoring_doc(snapshot.sandbox),
                alerts=[alert_doc(alert, reader_language()) for alert in page.alerts],
                next_cursor=cursor(Lists.ALERTS, page.after) if page.after is not None else None,
            )
        )
    )


@alerts.post(RUNS)
@alerts.output(document(AlertRunDoc))
@alerts.doc(**operation("runAlerts", *BODY_CODES, reads=NOTHING, in_progress="AlertRunJobDoc"))
def run_alerts() -> Response:
    """Run every check, and keep what they see: see `GET /operator/alerts/history`. It looks at every loan.

    If it takes longer than 20 seconds, or than the client prefers to wait, the answer is 202, and `Location` is where
    to watch it. It goes on if the client goes away. If one runs already, it is that one.
    """
    return begin_job(CHECKS_JOB, checks_task, RUNS, preferences(request.headers.get("Prefer")))


@alerts.get(f"{RUNS}/<id:alert_run_id>")
@alerts.output(document(AlertRunJobDoc))
@alerts.doc(**operation("getAlertRun", "alert_run_unknown", parameters={"alert_run_id": "chk_1"}))
def get_alert_run(alert_run_id: str) -> Response:
    """One run of the checks: how many loans it has looked at, and its result. The last one that is done is kept."""
    return job_response(watched_job(CHECKS_JOB, alert_run_id))


@alerts.get("/operator/alerts/history")
@alerts.input(HistoryQuery, location="query", arg_name="query")
@alerts.output(document(AlertHistory))
@alerts.doc(**operation("listAlertHistory"))
def list_alert_history(query: HistoryQuery) -> Response:
    """The alerts that runs of the checks have seen, those that were opened last first. It runs no check.

    An alert is open until a run does not see it any more. 1,000 open alerts are kept, and the 1,000 closed last.
    """
    return _kept(query, Lists.ALERT_HISTORY, history)


@alerts.get("/operator/alerts/incidents")
@alerts.input(HistoryQuery, location="query", arg_name="query")
@alerts.output(document(IncidentList))
@alerts.doc(**operation("listIncidents"))
def list_incidents(query: HistoryQuery) -> Response:
    """The kept alerts as incidents: those of one check and one channel that overlap in time. It runs no check.

    An incident is open as long as one of its alerts is. A filter chooses incidents that have such an alert.
    """
    return _kept(query, Lists.INCIDENTS, incidents)


def _kept(query: HistoryQuery, of: Lists, read: Callable[..., AlertHistory] | Callable[..., IncidentList]) -> Response:
    """A page of what runs of the checks have seen, as `read` lists it: one by one, or by incidents."""
    with open_snapshot() as snapshot:
        listed = read(
            snapshot,
            query.only,
            after=decode_cursor(of, query.cursor),
            limit=query.limit,
            language=reader_language(),
        )
    return spoken(rendered(listed))
