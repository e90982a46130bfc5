"""Whether the server is up and its database takes reads and writes, and what it is made of."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from mocklend import __version__
from mocklend.api.answers import rendered
from mocklend.api.asking import lender
from mocklend.api.fields import Doc
from mocklend.api.openapi import described

health = APIBlueprint("health", __name__)


class HealthDoc(Doc):
    """A server that answers, and whose database can be read and written. `layer`: whether faults can be armed here."""

    status: str
    version: str
    engine: str
    layer: bool


@health.get("/-/health")
@health.output(HealthDoc)
@health.doc(**described("getHealth"))
def get_health() -> Response:
    """The server is up, and its database answers and takes writes. Asked often, it writes once a second at the most."""
    platform = lender()
    platform.look()
    return rendered(
        {
            "status": "ok",
            "version": __version__,
            "engine": platform.engine.dialect.name,
            "layer": platform.layer is not None,
        }
    )
