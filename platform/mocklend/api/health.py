"""Health: whether the server answers and its database can be read and written; version and engine."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend.api.documents import document
from mocklend.api.openapi import operation
from mocklend.api.request_context import current_platform, leaves_truth_out
from mocklend.api.responses import rendered
from mocklend.pulse import HealthDoc

health = APIBlueprint("health", __name__)


@health.get("/-/health")
@health.output(document(HealthDoc))
@health.doc(**operation("getHealth"))
@leaves_truth_out
def get_health() -> Response:
    """Check that the server answers and that its database can be read and written.

    A test write is made at most once a second. The answer does not wait for a slow write. 503 if a write fails, or has
    been unfinished for 6 s.
    """
    return rendered(current_platform().health())
