"""The stories' platform is on the engine that the tests run on."""

from __future__ import annotations

import pytest

from identity.actors import base
from support.databases import Server


@pytest.fixture(scope="session", autouse=True)
def where_the_stories_are_told(database_server: Server | None) -> None:
    """With `--engine postgresql`: in a database that is dropped with its server."""
    if database_server is not None:
        base.DATABASES.append(database_server.take())
