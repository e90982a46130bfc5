"""Several processes on one database: each a platform with an app, as it stands behind the door of its own process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from werkzeug.test import Client, TestResponse

from mocklend.api.hot import HotPaths
from mocklend.app import create_app
from mocklend.client import Doc
from mocklend.config import Settings
from mocklend.runtime import Platform
from mocklend_faults.engine import FaultLayer
from support.caller import HotFirst


class Process:
    """One process of a server."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        app = create_app(Settings(), platform)
        self.front = HotFirst(app, HotPaths(app, platform, on_loopback=True))
        self._client = Client(self.front, TestResponse)

    def open(self, method: str, path: str, key: str, body: object = None, *, idem: str = "") -> TestResponse:
        """A request's answer."""
        headers = {"Authorization": f"Bearer {key}"} | ({"Idempotency-Key": idem} if idem else {})
        sent: dict[str, Any] = {} if method == "GET" else {"json": {} if body is None else body}
        return self._client.open(path, method=method, headers=headers, **sent)

    def ask(self, method: str, path: str, key: str, body: object = None, *, idem: str = "") -> tuple[int, Doc]:
        """A request's status and document."""
        answer = self.open(method, path, key, body, idem=idem)
        return answer.status_code, answer.get_json(silent=True) or {}

    def done(self, method: str, path: str, key: str, body: object = None, *, idem: str = "") -> Doc:
        """The document of a request that succeeds."""
        status, document = self.ask(method, path, key, body, idem=idem)
        assert status < 300, document
        return document

    def sandbox(self, **more: object) -> tuple[str, str]:
        """A new sandbox with a manual clock: its id and its key."""
        made = self.done("POST", "/-/sandboxes", "mk_none", {"seed": 7, "clock": {"mode": "manual"}, **more})
        return made["id"], made["api_key"]

    def loan(self, key: str, reference: str = "ada") -> str:
        """Somebody's loan of 1,000.00: its id."""
        ada = self.done("POST", "/v1/borrowers", key, {"reference": reference, "name": "Ada"})["id"]
        terms = {"borrower_id": ada, "principal_minor": 100_000, "product_id": "jiebei-like"}
        return str(self.done("POST", "/v1/loans", key, terms, idem=f"loan of {reference}")["id"])


@contextmanager
def processes(url: str, count: int, redis_url: str = "") -> Iterator[list[Process]]:
    """So many processes on one database, and on one Redis."""
    with ExitStack() as opened:
        yield [
            Process(opened.enter_context(closing(Platform(url, FaultLayer(), redis_url=redis_url))))
            for _ in range(count)
        ]
