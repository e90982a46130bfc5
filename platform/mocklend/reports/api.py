"""/-/reports: reports of a sandbox, made from what the server has counted, and kept.

Found by the entry point `mocklend.blueprints`: reports stand above the scenarios. The page Reports has them as HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Blueprint, Response, current_app

from mocklend.api.documents import document
from mocklend.api.failures import refuse_a_body
from mocklend.api.openapi import BODY_CODES, operation
from mocklend.api.request_context import (
    current_platform,
    leaves_truth_out,
    open_snapshot,
    sandbox_id,
    served,
    shows_truth,
)
from mocklend.api.responses import rendered
from mocklend.api.sandboxes import NOTHING
from mocklend.domain.nouns import one_of, says
from mocklend.reports.documents import KINDS, ReportDoc
from mocklend.reports.storing import KEPT_MAX, KeptReport, kept_reports, make_report, opened
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.storage.snapshot import PlatformLayer

reports = APIBlueprint("stored_reports", __name__, tag="Reports")


class ListedReport(TypedDict):
    """A report that is kept, without what it says."""

    id: Annotated[str, says("The report's id; those of a sandbox are in the order of time.")]
    kind: Annotated[str, one_of(KINDS, "What it is about.")]
    title: Annotated[
        str,
        says(
            "Its title, in English if it is a text of Mocklend; while the truth is hidden, the sandbox's label or id."
        ),
    ]
    made_at: Annotated[str, says("When it was made, in real time. RFC 3339.")]


class ReportList(TypedDict):
    """The reports of a sandbox."""

    reports: Annotated[list[ListedReport], says("The reports, the newest first.")]
    reports_max: Annotated[int, says("How many are kept; then the oldest go.")]


class OpenedReport(TypedDict):
    """A report with what it says."""

    id: Annotated[str, says("The report's id.")]
    report: Annotated[ReportDoc, says("The report. While the truth of the sandbox is hidden, it is without it.")]


@reports.get("/-/reports")
@reports.output(document(ReportList))
@reports.doc(**operation("listReports", "sandbox_unknown"))
@leaves_truth_out
def list_reports() -> Response:
    """The reports of the sandbox, the newest first."""
    with open_snapshot() as snapshot:
        listed = [_listed(kept) for kept in kept_reports(snapshot, shows_truth=shows_truth(snapshot.sandbox))]
    return rendered(ReportList(reports=listed, reports_max=KEPT_MAX))


@reports.post("/-/reports")
@reports.output(document(ListedReport), status_code=201)
@reports.doc(**operation("makeReport", "sandbox_unknown", "conflict", *BODY_CODES, reads=NOTHING, example={}))
def new_report() -> Response:
    """Make a report and keep it: of the scenario that is played in the sandbox, or else of its newest seconds."""
    refuse_a_body()
    token = served().settings.control_token
    return rendered(_listed(make_report(current_app.wsgi_app, current_platform(), sandbox_id(), token)), 201)


@reports.get("/-/reports/<id:report_id>")
@reports.output(document(OpenedReport))
@reports.doc(**operation("getReport", "report_unknown", parameters={"report_id": "rep_1767578400000"}))
@leaves_truth_out
def get_report(report_id: str) -> Response:
    """One report. While the truth of the sandbox is hidden, nobody gets it with the truth."""
    with open_snapshot() as snapshot:
        report = opened(snapshot, report_id, shows_truth=shows_truth(snapshot.sandbox))
    return rendered(OpenedReport(id=report_id, report=report))


def _listed(kept: KeptReport) -> ListedReport:
    return {"id": kept.id, "kind": kept.about, "title": kept.title, "made_at": rfc3339(kept.made_ms)}


def blueprints(_layer: PlatformLayer) -> Sequence[Blueprint]:
    """The blueprints of an app with a fault layer. See `mocklend.blueprints`."""
    return (reports,)
