"""The console's page Reports: those that are kept, each opened or saved as one HTML file.

Found by the entry point `mocklend.console`. A report is a page of its own, without the console around it: it is the
very file that is saved, under its own policy, which is narrower than the console's.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as AnyResponse

from mocklend.console.forms import sandbox_path
from mocklend.console.mount import API
from mocklend.console.navigation import JUDGE, Entry, LayerPages
from mocklend.console.visit import console, open_snapshot, platform, require_teacher, visit
from mocklend.language import message
from mocklend.reports.page import KINDS, policy, report_html
from mocklend.reports.storing import KEPT_MAX, kept_reports, make_report, opened
from mocklend.storage.snapshot import PlatformLayer

report_pages = Blueprint("reports", __name__, template_folder="templates")


@report_pages.get("/reports")
def reports() -> str:
    """The reports of the sandbox."""
    with open_snapshot() as snapshot:
        kept = kept_reports(snapshot, shows_truth=visit().shows_truth)
    return render_template("reports.html", kept=kept, kept_max=KEPT_MAX, kinds=KINDS)


@report_pages.post("/reports")
def make() -> AnyResponse:
    """Make a report of what the server has, and show the list with it."""
    require_teacher()
    made = make_report(request.environ[API], platform(), visit().sandbox_id, console().settings.control_token)
    return redirect(f"{sandbox_path('reports.reports')}#{made.id}", 303)


@report_pages.get("/reports/<report_id>")
def report(report_id: str) -> Response:
    """One report, in the viewer's language; with `?save=1` the browser saves it."""
    with open_snapshot() as snapshot:
        document = opened(snapshot, report_id, shows_truth=visit().shows_truth)
    response = Response(report_html(document, visit().language), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = f"{policy()}; frame-ancestors 'none'"
    if "save" in request.args:
        response.headers["Content-Disposition"] = f'attachment; filename="{report_id}-{visit().language}.html"'
    return response


def pages(_layer: PlatformLayer) -> LayerPages:
    """The pages of a console with a fault layer. See the entry point `mocklend.console`."""
    return LayerPages((report_pages,), (Entry(JUDGE, 40, message("Reports"), "reports.reports", "r"),))
