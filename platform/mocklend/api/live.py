"""A sandbox second by second, for whoever watches it under load: the page Live, or a test."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Flask, Response
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import Second
from mocklend.api.json_body import asked_request
from mocklend.api.openapi import operation
from mocklend.api.peek import is_peek
from mocklend.api.request_context import current_platform, sandbox_id
from mocklend.api.responses import rendered
from mocklend.domain.nouns import says
from mocklend.live_series import ROWS_MAX, LiesSeen, LiveRow
from mocklend.runtime import Platform
from mocklend.storage.work import Sandbox
from mocklend.validation import Body

live = APIBlueprint("live", __name__)


class LiveDoc(TypedDict):
    """The latest seconds of a sandbox, as this process has counted them."""

    sandbox_id: Annotated[str, says("The sandbox's id.")]
    alone: Annotated[
        bool, says("True: no other process answers requests. False: they count theirs, which are not in here.")
    ]
    counted_since: Annotated[
        int, says("The second since which the sandbox is counted: when its rows were first asked for.")
    ]
    rows_max: Annotated[int, says("How many seconds are kept.")]
    rows: Annotated[list[LiveRow], says("A row for each second that is complete, oldest first.")]


class LiveQuery(Body):
    """From where rows are wanted."""

    since: Second | None = Field(
        default=None, description="Only seconds after this one: the `second` of the last row that is known."
    )


@live.get("/-/live")
@live.input(LiveQuery, location="query", arg_name="query")
@live.output(document(LiveDoc))
@live.doc(**operation("getLive", "sandbox_unknown"))
def get_live(query: LiveQuery) -> Response:
    """The sandbox second by second: requests, latencies, delays, page reads, lies. Counted while somebody asks."""
    return rendered(live_doc(current_platform(), sandbox_id(), query.since))


def live_doc(platform: Platform, sandbox_id: str, since: int | None) -> LiveDoc:
    """The latest seconds of a sandbox. Raises Refused `sandbox_unknown`."""
    look(platform, sandbox_id)
    rows, counted_since = platform.live_series.rows(sandbox_id, since)
    return {
        "sandbox_id": sandbox_id,
        "alone": not platform.others_served,
        "counted_since": counted_since,
        "rows_max": ROWS_MAX,
        "rows": rows,
    }


def look(platform: Platform, sandbox_id: str) -> Sandbox:
    """Let a sandbox be counted, and look at its answer key at most once a second. Raises Refused `sandbox_unknown`."""
    series = platform.live_series
    with platform.snapshot(sandbox_id) as snapshot:
        if series.looks_due(sandbox_id) and platform.layer is not None:
            seen = platform.layer.figures(snapshot)
            series.note_lies(sandbox_id, LiesSeen(seen.entries, seen.open, max(0, seen.entries - seen.open)))
        return snapshot.sandbox


def count_live(app: Flask, platform: Platform) -> None:
    """Count an app's requests second by second. Call this between `break_answers` and `log_requests`.

    So the answer is the final one, and not delayed yet.
    """
    series = platform.live_series

    @app.after_request
    def count(response: Response) -> Response:
        request = asked_request()
        id, rule = request.sandbox_id, request.url_rule
        if id is None or rule is None or rule.rule.startswith("/-/") or request.method == "OPTIONS" or is_peek():
            return response
        delay_ms = 0 if request.outcome is None else request.outcome.delay_ms
        seconds = perf_counter() - request.began_s if request.began_s else None
        series.count(id, response.status_code, seconds, delay_ms=delay_ms, stale=request.stale)
        return response
