"""The page Alerts: the incidents that the last run has seen or that are over, one alert by one, and a button to run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from mocklend.api.alerts import HistoryQuery
from mocklend.api.pagination import decode_cursor
from mocklend.audit.chain.docs import View
from mocklend.console.forms import Filled, back, read_form, sandbox_path, with_query
from mocklend.console.visit import formats, open_snapshot, platform, visit
from mocklend.console.words import ABOUT, LOAN_STATUS, STATUS
from mocklend.domain.problems import PROBLEMS, Refused
from mocklend.language import Language, message, translate
from mocklend.monitoring.alerts import CHECKS, Watch
from mocklend.monitoring.history import (
    CLOSED,
    OPEN,
    STATES,
    KeptAlertDoc,
    alert_run_doc,
    checks_task,
    history,
    last_run,
)
from mocklend.monitoring.incidents import IncidentDoc, incidents
from mocklend.monitoring.sentences import shown
from mocklend.sandboxes import jobs
from mocklend.sandboxes.jobs import CHECKS as CHECKS_JOB
from mocklend.sandboxes.timestamps import parse_rfc3339
from mocklend.views.reads import Lists

alert_pages = Blueprint("alerts", __name__)

FILTERS = ("loan_id", "check", "channel")
SINGLY = "alert"
"""The list of single alerts, without incidents: the value of the parameter `by`."""
STATE_NAMES = {OPEN: message("Open"), CLOSED: message("Closed")}
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
AGES = (
    (DAY_MS, message("1 day ago"), message("{count} days ago")),
    (HOUR_MS, message("1 hour ago"), message("{count} hours ago")),
    (MINUTE_MS, message("1 minute ago"), message("{count} minutes ago")),
)
"""How long ago a run was, by the greatest unit that fits."""
JUST_NOW = message("just now")
WITHIN_S = 2.0
"""How long a page waits for a run."""


@alert_pages.get("/alerts")
def alerts() -> str:
    """The kept alerts. The checks read every loan, so they run only when somebody asks for it."""
    singly = request.args.get("by") == SINGLY
    state = CLOSED if request.args.get("state") == CLOSED else OPEN
    filled, query = Filled(request.args.to_dict()), HistoryQuery()
    try:
        query = read_form(HistoryQuery, {name: request.args.get(name) for name in (*FILTERS, "cursor")})
    except Refused as refused:
        filled = Filled.refused_with(refused)
    with open_snapshot() as snapshot:
        newest = jobs.newest(snapshot, CHECKS_JOB)
        job = None if newest is None else platform().jobs.watched(snapshot, CHECKS_JOB, newest)
        only = replace(query.only, state=state)
        asked: dict[str, Any] = {
            "after": decode_cursor(Lists.ALERT_HISTORY if singly else Lists.INCIDENTS, query.cursor),
            "language": visit().language, "show": show,
        }  # fmt: skip
        shown_alerts: list[KeptAlertDoc] = []
        grouped: list[IncidentDoc] = []
        if singly:
            listed = history(snapshot, only, **asked)
            shown_alerts, next_cursor = listed["alerts"], listed["next_cursor"]
        else:
            by_incident = incidents(snapshot, only, **asked)
            grouped, next_cursor = by_incident["incidents"], by_incident["next_cursor"]
            shown_alerts = [alert for each in grouped for alert in each["alerts"]]
        last = last_run(snapshot)
        watch, now_ms = Watch.of(snapshot.sandbox), snapshot.now_ms
    run = None if last is None else alert_run_doc(last)
    given = {"state": state, **{name: request.args[name] for name in FILTERS if request.args.get(name)}}
    return render_template(
        "alerts.html",
        age=None if run is None else age(now_ms - parse_rfc3339(run["at"])),
        alerts=shown_alerts,
        checks=CHECKS,
        filled=filled,
        incidents=grouped,
        singly=singly,
        job=None if job is None or job["state"] == jobs.DONE else job,
        loan_links={
            id: sandbox_path("loans.loan", loan_id=id) for id in {each["loan_id"] for each in shown_alerts} if id
        },
        names=ABOUT,
        next=next_cursor,
        problems=PROBLEMS,
        path=with_query("/operator/alerts/history" if singly else "/operator/alerts/incidents", given),
        run=run,
        state=state,
        state_names=STATE_NAMES,
        states=STATES,
        watch=watch,
    )


@alert_pages.post("/alerts")
def run() -> AnyResponse:
    """Run the checks, and keep what they see. A run that takes longer goes on, and the page shows how far it is."""
    platform().jobs.begin(visit().sandbox_id, CHECKS_JOB, checks_task, WITHIN_S)
    return back()


def show(language: Language, name: str, value: str) -> str:
    """A value in the sentence of an alert: moments and days as elsewhere on a page, statuses in words."""
    if name.endswith("_at"):
        return str(formats().full_moment(value).striptags())
    if name == "date":
        return formats().day_of(value)
    if name == "state":
        return translate(language, STATUS[View.CONSOLE].get(value, value))
    if name == "status" or name.endswith("_status"):
        return translate(language, LOAN_STATUS.get(value, value))
    return shown(language, name, value)


def age(passed_ms: int) -> str:
    """How long ago a run was, on the sandbox's clock, in the viewer's language."""
    for unit_ms, one, many in AGES:
        if passed_ms >= unit_ms:
            count = passed_ms // unit_ms
            return visit().text(one) if count == 1 else visit().text(many, count=formats().number(count))
    return visit().text(JUST_NOW)
