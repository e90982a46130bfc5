"""Requests that begin a job beside themselves, and those that watch it: 202 with `Location`, then its state."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flask import Response

from mocklend.api.failures import refuse_a_body
from mocklend.api.preferences import Preferences
from mocklend.api.request_context import current_platform, open_snapshot, sandbox_id
from mocklend.api.responses import RETRY_AFTER_S, as_stored, in_progress, rendered
from mocklend.api.spoken import spoken
from mocklend.domain.problems import Refused
from mocklend.sandboxes import jobs
from mocklend.sandboxes.jobs import FAILED, RUNNING, JobKind
from mocklend.scheduling.background import Task, WatchedJob

AT_ONCE = Preferences(respond_async=True)


def begin_job(kind: JobKind, task: Task, path: str, preferred: Preferences = AT_ONCE) -> Response:
    """Begin a job, or join the one of its kind that runs. The request has no body, or `{}`.

    If it ends while the client wants to wait, the response is its result, or its problem is raised; else it is 202,
    and the job goes on.
    """
    refuse_a_body()
    begun = current_platform().jobs.begin(sandbox_id(), kind, task, preferred.within_s())
    if begun.ended is None:
        return preferred.applied(in_progress(watched_job(kind, begun.id), f"{path}/{begun.id}"))
    if begun.ended.state == FAILED:
        problem = json.loads(begun.ended.outcome)
        raise Refused(problem["code"], problem["detail"])
    return preferred.applied(as_stored(begun.ended.outcome))


def watched_job(kind: JobKind, id: str) -> WatchedJob:
    """A job as it is now. Raises Refused with the kind's problem."""
    with open_snapshot() as snapshot:
        return current_platform().jobs.watched(snapshot, kind, jobs.by_id(snapshot, kind, id))


def job_response(shown: Mapping[str, object]) -> Response:
    """The response of a job that is watched: while it runs, it says when to look again."""
    response = spoken(rendered(shown))
    if shown["state"] == RUNNING:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response
