"""Health: whether the server answers and its database can be read and written; version and engine."""

from __future__ import annotations

from typing import Annotated, TypedDict

from apiflask import APIBlueprint
from flask import Response

from mocklend import __version__
from mocklend.api.documents import document
from mocklend.api.openapi import operation
from mocklend.api.request_context import current_platform
from mocklend.api.responses import rendered
from mocklend.domain.nouns import one_of, says

health = APIBlueprint("health", __name__)


class HealthDoc(TypedDict):
    """The health of a server. `writes` is `unknown` while a test write, begun `writes_wait_ms` ago, is unfinished."""

    status: Annotated[str, says("`ok`: the server answers.")]
    writes: Annotated[str, one_of(("ok", "unknown"), "`ok`, or `unknown` while a test write is unfinished.")]
    writes_wait_ms: Annotated[
        int, says("How long the unfinished test write has taken, in milliseconds of real time; 0 if there is none.")
    ]
    version: Annotated[str, says("The version of Mocklend.")]
    engine: Annotated[str, says("The database engine.")]
    layer: Annotated[bool, says("Whether faults can be armed here.")]


@health.get("/-/health")
@health.output(document(HealthDoc))
@health.doc(**operation("getHealth"))
def get_health() -> Response:
    """Check that the server answers and that its database can be read and written.

    A test write is made at most once a second. The answer does not wait for a slow write. 503 if a write fails, or has
    been unfinished for 6 s.
    """
    platform = current_platform()
    beat = platform.pulse.ask()
    return rendered(
        HealthDoc(
            status="ok",
            writes=beat.writes,
            writes_wait_ms=beat.waits_ms,
            version=__version__,
            engine=platform.engine.dialect.name,
            layer=platform.layer is not None,
        )
    )
