"""One loan as each view shows it, compared with the world: what the console's loan page is drawn from."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.documents import document
from mocklend.api.openapi import operation
from mocklend.api.request_context import current_platform, open_snapshot
from mocklend.api.responses import rendered
from mocklend.audit.chain import ViewsDoc, views_of

views = APIBlueprint("views", __name__)


@views.get("/-/loans/<id:loan_id>/views")
@views.output(document(ViewsDoc))
@views.doc(**operation("getLoanViews", "loan_unknown"))
def get_loan_views(loan_id: str) -> Response:
    """A loan as each view shows it, in the order of the chain from the world down, and what came between them.

    Looking changes nothing: it is no event at any seam, and is not logged.
    """
    with open_snapshot() as snapshot:
        return rendered(views_of(snapshot, current_platform().layer, loan_id))
