"""The access log: one line of JSON per request that reached the server, whatever the answer was.

        door ─▶ answer ─▶ queue ─▶ one thread ─▶ standard error, or a file

A line has no header and no value of a query parameter, so no key and no token. Answering does not wait for the log: if
a pipe is not read or the disk is slow, lines are dropped and counted, the count is logged, and no request is delayed.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import Any

import orjson

from mocklend.logs import get_logger, in_a_line, masked
from mocklend.machine_clock import wall_ns

WAITING_MAX = 20_000
"""At most this many requests wait to be written; further ones are dropped and counted."""
TOGETHER_MAX = 500
TEXT_MAX = 500
STANDARD_ERROR = "-"
CLOSES_WITHIN_S = 2.0
WARN_EVERY_S = 60.0
REQUEST_ID = "mocklend-request-id"

Entry = tuple[float, float, Any, str | None, str | None, int, int]
"""Time (s since 1970), duration (s), RSGI scope, request id, sandbox id, status, length of the answer (bytes)."""

log = get_logger()


class AccessLog:
    """Writes the access log. Thread-safe; close it when done."""

    def __init__(self, to: str) -> None:
        """`to` is a file, appended to and created with mode 0600; or `-` for standard error. Raises OSError."""
        self._to = to
        if to == STANDARD_ERROR:
            self._file = os.dup(sys.stderr.fileno())
        else:
            self._file = os.open(to, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._entries: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._lost = 0
        self._lost_lock = threading.Lock()
        self._warn_at = 0.0
        self._thread = threading.Thread(target=self._loop, name="mocklend-access-log", daemon=True)
        self._thread.start()

    def watched(self, scope: Any, connection: Any) -> Watched:
        """Return a connection that logs its answer."""
        return Watched(self, scope, connection)

    def note(self, entry: Entry) -> None:
        """Queue the entry of an answered request."""
        if self._entries.qsize() < WAITING_MAX:
            self._entries.put(entry)
        else:
            self._lose(1)

    def close(self) -> None:
        """Write the queued entries, for CLOSES_WITHIN_S at most."""
        self._entries.put(None)
        self._thread.join(CLOSES_WITHIN_S)

    def _lose(self, count: int) -> None:
        with self._lost_lock:
            self._lost += count

    def _loop(self) -> None:
        last = False
        while not last:
            entries = [self._entries.get()]
            while len(entries) < TOGETHER_MAX and not self._entries.empty():
                entries.append(self._entries.get())
            last = None in entries
            self._write([entry for entry in entries if entry is not None])
        os.close(self._file)

    def _write(self, entries: list[Entry]) -> None:
        with self._lost_lock:
            lost, self._lost = self._lost, 0
        lines = [orjson.dumps({"time": _moment(wall_ns() / 1e9), "lost": lost})] if lost else []
        lines += [orjson.dumps(document(entry)) for entry in entries]
        left = memoryview(b"".join(line + b"\n" for line in lines))
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as failure:
            self._lose(lost + len(entries))
            if time.monotonic() >= self._warn_at:
                self._warn_at = time.monotonic() + WARN_EVERY_S
                log.warning("the access log cannot be written", to=self._to, why=in_a_line(failure))


class Watched:
    """A request's connection to its client, which logs the answer that is sent over it."""

    def __init__(self, access: AccessLog, scope: Any, connection: Any) -> None:
        self.sandbox_id: str | None = None
        """The request's sandbox, once it is known."""
        self._access, self._scope, self._connection = access, scope, connection
        self._begun: tuple[int, list[tuple[str, str]]] = (200, [])
        self._came, self._began = wall_ns() / 1e9, time.monotonic()

    def __call__(self) -> Awaitable[bytes]:
        body: Awaitable[bytes] = self._connection()
        return body

    def __aiter__(self) -> AsyncIterator[bytes]:
        body: AsyncIterator[bytes] = aiter(self._connection)
        return body

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send the answer, and log it."""
        try:
            self._connection.response_bytes(status, headers, body)
        finally:
            self._note(status, headers, len(body))

    def response_file(self, status: int, headers: list[tuple[str, str]], file: str) -> None:
        """Send an answer from a file, and log it before the client has read it."""
        try:
            self._connection.response_file(status, headers, file)
        finally:
            length = next((value for name, value in headers if name.lower() == "content-length"), "0")
            self._note(status, headers, int(length))

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Any:
        """Begin an answer that goes on; `streamed` logs it."""
        self._begun = status, headers
        return self._connection.response_stream(status, headers)

    def streamed(self, length: int) -> None:
        """Log an answer that has gone on until now, with so many bytes."""
        self._note(*self._begun, length)

    def _note(self, status: int, headers: list[tuple[str, str]], length: int) -> None:
        id = next((value for name, value in headers if name.lower() == REQUEST_ID), None)
        took = time.monotonic() - self._began
        self._access.note((self._came, took, self._scope, id, self.sandbox_id, status, length))


def document(entry: Entry) -> dict[str, str | float | None]:
    """Return a request's log line as JSON. Of its query it has the names only."""
    came, took, scope, request_id, sandbox_id, status, length = entry
    names = ",".join(part.partition("=")[0] for part in scope.query_string.split("&") if part)
    return {
        "time": _moment(came),
        "request_id": request_id,
        "method": scope.method[:TEXT_MAX],
        "path": masked(scope.path[:TEXT_MAX]),
        "query": masked(names[:TEXT_MAX]) or None,
        "status": status,
        "duration_ms": round(took * 1000, 2),
        "sandbox": sandbox_id,
        "client": scope.client.rpartition(":")[0].strip("[]"),
        "bytes": length,
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
