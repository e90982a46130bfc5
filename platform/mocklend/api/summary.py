"""A sandbox in a few figures, for whoever shows them often."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend import summary as summaries
from mocklend.api.documents import document
from mocklend.api.openapi import operation
from mocklend.api.request_context import current_platform, leaves_truth_out, open_snapshot, sandbox_id, shows_truth
from mocklend.api.responses import rendered
from mocklend.summary import SummaryDoc

summary = APIBlueprint("summary", __name__)


@summary.get("/-/summary")
@summary.output(document(SummaryDoc))
@summary.doc(**operation("getSummary"))
@leaves_truth_out
def get_summary() -> Response:
    """The sandbox in a few figures: clock, loans, rules, answer key, alerts. It costs the same in any sandbox."""
    platform = current_platform()
    released, seen = platform.clocks.released_so_far(sandbox_id()), platform.last_looks.of(sandbox_id())
    with open_snapshot() as snapshot:
        shown = shows_truth(snapshot.sandbox)
        return rendered(summaries.summary(snapshot, platform.layer, seen, released, shows_truth=shown))
