"""One loan as each view shows it, and what happened to it: what the console's loan page is drawn from."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from mocklend.api.asked import asked_of
from mocklend.api.documents import document
from mocklend.api.fields import PageSize
from mocklend.api.openapi import operation
from mocklend.api.pagination import Cursor, decode_cursor
from mocklend.api.request_context import current_platform, open_snapshot
from mocklend.api.responses import rendered
from mocklend.audit.chain import ViewsDoc, traced_loan, views_of
from mocklend.audit.timeline import TimelineDoc, timeline_of
from mocklend.audit.timeline.docs import Kind
from mocklend.validation import Body, OneOf
from mocklend.views.reads import Lists

views = APIBlueprint("views", __name__)

OLDEST, NEWEST = "oldest", "newest"


class TimelineQuery(Body):
    """Which events of a timeline."""

    kind: Annotated[str, OneOf(tuple(Kind))] | None = Field(
        default=None, description="Only events of this kind: requests, messages, postings, views, alerts, people, lies."
    )
    order: Annotated[str, OneOf((OLDEST, NEWEST))] = Field(
        default=OLDEST, description="Which events come first: the `oldest` or the `newest`."
    )
    after: Cursor | None = None
    limit: PageSize = 50


@views.get("/-/loans/<id:loan_id>/views")
@views.output(document(ViewsDoc))
@views.doc(**operation("getLoanViews", "loan_unknown"))
def get_loan_views(loan_id: str) -> Response:
    """A loan as each view shows it, in the order of the chain from the world down, and what came between them.

    Looking changes nothing: it is no event at any seam, and is not logged.
    """
    with open_snapshot() as snapshot:
        return rendered(views_of(traced_loan(snapshot, current_platform().layer, loan_id)))


@views.get("/-/loans/<id:loan_id>/timeline")
@views.input(TimelineQuery, location="query", arg_name="query")
@views.output(document(TimelineDoc))
@views.doc(**operation("getLoanTimeline", "loan_unknown"))
def get_loan_timeline(loan_id: str, query: TimelineQuery) -> Response:
    """What happened to a loan, in order: requests, messages, postings, views, people, and what faults did.

    Looking changes nothing: it is no event at any seam, and is not logged.
    """
    with open_snapshot() as snapshot:
        return rendered(
            timeline_of(
                traced_loan(snapshot, current_platform().layer, loan_id),
                asked_of(snapshot.sandbox),
                kind=query.kind,
                after=decode_cursor(Lists.TIMELINE, query.after, "after"),
                limit=query.limit,
                newest_first=query.order == NEWEST,
            )
        )
