"""Whether the server is up and its database takes reads and writes, and what it is made of."""

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
    """A server that answers, and whose database can be read and written. `layer`: whether faults can be armed here.

    `writes` is `unknown` while a write is tried and has not come back, which has taken `writes_wait_ms` by now.
    """

    status: Annotated[str, says("`ok`: the server answers.")]
    writes: Annotated[
        str, one_of(("ok", "unknown"), "`ok`, or `unknown` while a write is tried and has not come back.")
    ]
    writes_wait_ms: Annotated[
        int, says("For how long that write has been tried, in milliseconds of real time; 0 where none is open.")
    ]
    version: Annotated[str, says("The version of Mocklend.")]
    engine: Annotated[str, says("The database engine.")]
    layer: Annotated[bool, says("Whether faults can be armed here.")]


@health.get("/-/health")
@health.output(document(HealthDoc))
@health.doc(**operation("getHealth"))
def get_health() -> Response:
    """The server is up, and its database answers and takes writes. Asked often, it writes at most once a second.

    It answers at once, also while a write takes long. 503 where a write does not work, or has waited for 6 s.
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
