"""Every platform of the tests shares its status pages in one `redis-server` (`--redis`), where PostgreSQL is below it.

A test that says itself which Redis its platform has, or that it has none, keeps what it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest
from sqlalchemy import Engine

from mocklend.runtime import Platform
from mocklend.storage import redis_link
from support.databases import POSTGRESQL
from support.redis_server import Real

PATIENT_S = 20.0
"""A busy machine is no Redis that is down: then all pages would come from the database, and nothing would be tested."""


@contextmanager
def sharing_pages(server: Real) -> Iterator[None]:
    """Within the block platforms share their pages there."""
    plain = Platform.__init__

    @wraps(plain)
    def shared(self: Platform, database: str | Engine, *args: Any, **more: Any) -> None:
        url = str(database.url if isinstance(database, Engine) else database)
        if url.startswith(POSTGRESQL):
            more.setdefault("redis_url", server.url)
        plain(self, database, *args, **more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Platform, "__init__", shared)
        patched.setattr(redis_link, "WAIT_S", PATIENT_S)
        yield
