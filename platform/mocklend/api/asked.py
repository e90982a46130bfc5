"""The logged requests of a sandbox as a timeline needs them: when each came, and what its answer is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from flask import Flask, current_app

from mocklend.api.request_log import LoggedRequest, parsed, received, request_log_of
from mocklend.audit.timeline import Asked
from mocklend.storage.work import Sandbox

PAYMENT = "out_trade_no"
ON_A_PAGE = "done on a page of the console"
"""Why a scenario cannot repeat what a viewer did: no client has asked for it."""


class AskedOfApp:
    """The requests that an app has logged, for pages that stand beside it. Thread-safe."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def of(self, sandbox: Sandbox, about: Iterable[str]) -> list[Asked]:
        """The requests of a sandbox whose path or answer has one of these ids, as `asked_of`."""
        named = re.compile("|".join(map(re.escape, about)).encode())
        with self._app.app_context():
            return asked_of(
                sandbox, lambda entry: bool(named.search(entry.path.encode()) or named.search(entry.answer))
            )

    def acted(self, sandbox_id: str, path: str, real_ms: int) -> None:
        """Log that a viewer has changed something on a page of the console, at this path."""
        acted = LoggedRequest(real_ms, "POST", path, None, b"", 303, b"", False, ON_A_PAGE)
        request_log_of(self._app).add(sandbox_id, acted)

    def logged(self, sandbox_id: str, request_id: str) -> LoggedRequest | None:
        """A request by its id; None if it is not kept any more."""
        requests, _ = request_log_of(self._app).of(sandbox_id)
        return next((entry for entry in reversed(requests) if entry.id == request_id), None)


def asked_of(sandbox: Sandbox, chosen: Callable[[LoggedRequest], bool] = lambda _: True) -> list[Asked]:
    """The requests of a sandbox that may have changed something and whose time is known, oldest first.

    Those that are not `chosen` are left out, before their answers are read.
    """
    log = request_log_of(current_app)
    (entries, _), clocks, times = log.of(sandbox.id), log.clocks_of(sandbox.id), log.times_of(sandbox)
    return [
        asked
        for entry, at_ms in zip(entries, times, strict=False)
        if entry.method != "GET" and entry.left_out != ON_A_PAGE and chosen(entry)
        for asked in _asked(entry, received(sandbox, clocks, entry, at_ms)[0])
    ]


def _asked(entry: LoggedRequest, at_ms: int | None) -> Iterator[Asked]:
    if at_ms is None:
        return
    answer = parsed(entry.answer) or {}
    entity = answer.get(PAYMENT) if entry.path.startswith("/channels/") else answer.get("id")
    amount = answer.get("total_minor", answer.get("amount_minor"))
    yield Asked(
        entry.id, at_ms, entry.method, entry.path, entry.status, entity if isinstance(entity, str) else None,
        amount if isinstance(amount, int) else None,
    )  # fmt: skip
