"""The request log: the requests to a sandbox since it was created, so that `mocklend scenario save` can repeat them.

        request ─▶ view ─▶ answer ─▶ RequestLog (memory, this process) ─▶ GET /-/requests

Reads of the control plane are not logged. All other requests are, reads too, because a fault may count them. The log
keeps the newest REQUESTS_MAX requests of a sandbox. If all sandboxes together exceed the bounds, the largest logs lose
their oldest requests, so that a busy sandbox does not displace a quiet one. A log that lost requests, or whose sandbox
was created before this process, is not complete, and no scenario can be saved from it. Each process logs only the
requests that it answered.
A request is logged before its answer is sent, so that a client's next request is logged after it. No decision of the
platform reads the log.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, TypedDict
from urllib.parse import quote

from apiflask import APIBlueprint
from flask import Flask, Response, current_app, request
from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field

from mocklend.api.documents import document
from mocklend.api.fields import HttpStatus
from mocklend.api.idempotency import HEADER
from mocklend.api.json_body import asked_request, parse
from mocklend.api.openapi import operation
from mocklend.api.peek import is_peek
from mocklend.api.request_context import current_platform, sandbox_id, shows_truth
from mocklend.api.responses import JSON, PROBLEM
from mocklend.domain.nouns import JsonObject, one_of, says
from mocklend.domain.problems import Refused
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import DEFAULT, SandboxDoc, find, sandbox_doc
from mocklend.sandboxes.timestamps import maybe_rfc3339, parse_rfc3339, rfc3339
from mocklend.seams.asking import ASKED_BY
from mocklend.storage.work import Sandbox
from mocklend.validation import Body, bounded_str

REQUESTS_MAX = 2_000
BYTES_MAX = 8 * 1024 * 1024
"""Bounds of one sandbox. Beyond either, its oldest requests are dropped."""
REQUESTS_OF_ALL_MAX = 200_000
BYTES_OF_ALL_MAX = 128 * 1024 * 1024
"""Bounds of all sandboxes. Beyond either, the largest logs lose their oldest requests, until an eighth is free."""
SANDBOXES_MAX = 10_000
"""Bound of the number of logs. Beyond it, the log without requests for the longest time is dropped."""
ANSWER_MAX = 16 * 1024
"""A longer answer is not kept, in bytes."""
EXTENSION = "mocklend.request_log"
NOT_LOGGED = ("/-/sandboxes", "/-/reset", "/-/scores", "/-/scenarios")
"""Requests that create or delete a sandbox, only read from it, or whose own requests are logged."""
FAULT_HEADER = "Mocklend-Fault"
ADVANCE = "/-/clock/advance"
OVERHEAD = 500
"""Bytes of memory for a request beside its texts."""


class LoggedRequest(Struct, frozen=True):
    """A request and its answer, with its real time. `left_out`: why it cannot be repeated; None if it can."""

    real_ms: int
    method: str
    path: str
    key: str | None
    body: bytes
    status: int
    answer: bytes
    broken: bool
    left_out: str | None
    id: str | None = None

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return OVERHEAD + len(self.body) + len(self.answer) + len(self.path) + len(self.key or "")


@dataclass(slots=True)
class SandboxLog:
    """The log of one sandbox: its newest requests, in the order of their answers. `complete`: none was dropped."""

    requests: deque[LoggedRequest] = field(default_factory=deque)
    sizes: deque[int] = field(default_factory=deque)
    size: int = 0
    complete: bool = True
    times: deque[int | None] = field(default_factory=deque)
    """For each request the time of a manual clock, as far as this process has set it."""
    now_ms: int | None = None
    """That time now; None until this process has moved the clock."""
    from_start: bool = True
    """Whether the log began with the sandbox."""
    clocks: list[tuple[int, Sandbox]] = field(default_factory=list)
    """The earlier modes of the sandbox's clock, each with the real time at which it ended."""

    def drop_oldest(self) -> None:
        """Drop the oldest request. The log is no longer complete."""
        self.requests.popleft()
        self.times.popleft()
        self.size -= self.sizes.popleft()
        self.complete = False
        while self.clocks and (not self.requests or self.clocks[0][0] < self.requests[0].real_ms):
            self.clocks.pop(0)  # It ended before the oldest request of the log.


class RequestLog:
    """The logs of all sandboxes, of the requests that this process answered. Thread-safe."""

    def __init__(
        self,
        requests_max: int = REQUESTS_MAX,
        bytes_max: int = BYTES_MAX,
        requests_most_of_all: int = REQUESTS_OF_ALL_MAX,
        bytes_most_of_all: int = BYTES_OF_ALL_MAX,
        sandboxes_max: int = SANDBOXES_MAX,
    ) -> None:
        self._max = requests_max
        self._bytes_max = bytes_max
        self._requests_most_of_all = requests_most_of_all
        self._bytes_most_of_all = bytes_most_of_all
        self._sandboxes_max = sandboxes_max
        self._kept: OrderedDict[str, SandboxLog] = OrderedDict()
        self._count = 0
        self._size = 0
        self._lock = threading.Lock()

    def begin(self, sandbox_id: str) -> None:
        """Start an empty, complete log: the sandbox was created or reset."""
        with self._lock:
            self._forget(sandbox_id)
            self._kept[sandbox_id] = SandboxLog()
            self._keep_bounds()

    def forget(self, sandbox_id: str) -> None:
        """Drop the log of a sandbox that was deleted."""
        with self._lock:
            self._forget(sandbox_id)

    def add(self, sandbox_id: str, entry: LoggedRequest, moved_to_ms: int | None = None) -> None:
        """Log a request, which moved a manual clock to `moved_to_ms`. Beyond the bounds, the oldest are dropped."""
        size = entry.size
        with self._lock:
            kept = self._kept.get(sandbox_id)
            is_new = kept is None
            if kept is None:  # The sandbox is older than this process, or its log was dropped.
                kept = self._kept[sandbox_id] = SandboxLog(complete=False, from_start=False)
            self._kept.move_to_end(sandbox_id)
            kept.requests.append(entry)
            kept.times.append(kept.now_ms)
            if moved_to_ms is not None:
                kept.now_ms = moved_to_ms
            kept.sizes.append(size)
            kept.size += size
            self._count += 1
            self._size += size
            while len(kept.requests) > self._max or (kept.size > self._bytes_max and len(kept.requests) > 1):
                self._drop_oldest(kept)
            if self._count > self._requests_most_of_all or self._size > self._bytes_most_of_all or is_new:
                self._keep_bounds()

    def moved(self, sandbox_id: str, entry: LoggedRequest, from_ms: int, to_ms: int) -> None:
        """Log that a manual clock was moved by no request, as `entry`: from then on requests come at `to_ms`."""
        with self._lock:
            kept = self._kept.get(sandbox_id)
            if kept is not None and kept.now_ms is None:  # It stood there for all requests before.
                kept.times = deque(from_ms for _ in kept.requests)
                kept.now_ms = from_ms
        self.add(sandbox_id, entry, to_ms)

    def clock_changed(self, before: Sandbox, after: Sandbox) -> None:
        """Note that the mode or speed of the sandbox's clock has changed."""
        until_ms = after.real_ms
        if before.speed:  # The real time at which the clock reached the moment of the change.
            until_ms = before.real_ms + -(-(after.sandbox_ms - before.sandbox_ms) // before.speed)
        with self._lock:
            kept = self._kept.get(before.id)
            if kept is not None:
                kept.clocks.append((until_ms, replace(before, endpoints=())))  # They may be long.
                kept.now_ms = after.sandbox_ms

    def clocks_of(self, sandbox_id: str) -> list[tuple[int, Sandbox]]:
        """The earlier modes of the sandbox's clock with the real times at which they ended, in order."""
        with self._lock:
            kept = self._kept.get(sandbox_id)
            return [] if kept is None else list(kept.clocks)

    def times_of(self, sandbox: Sandbox) -> list[int | None]:
        """For each logged request, oldest first, the time of a manual clock when it came; None if that is unknown."""
        with self._lock:
            kept = self._kept.get(sandbox.id)
            if kept is None:
                return []
            # Only requests move a manual clock: before the first of them it stood where it began, or where it is now.
            before = sandbox.sandbox_ms if kept.now_ms is None else sandbox.created_ms if kept.from_start else None
            return [before if at_ms is None else at_ms for at_ms in kept.times]

    def of(self, sandbox_id: str) -> tuple[list[LoggedRequest], bool]:
        """The logged requests of a sandbox, oldest first, and whether the log is complete."""
        with self._lock:
            kept = self._kept.get(sandbox_id)
            return ([], False) if kept is None else (list(kept.requests), kept.complete)

    def _forget(self, sandbox_id: str) -> None:
        dropped = self._kept.pop(sandbox_id, None)
        if dropped is not None:
            self._count -= len(dropped.requests)
            self._size -= dropped.size

    def _drop_oldest(self, kept: SandboxLog) -> None:
        before = kept.size
        kept.drop_oldest()
        self._count -= 1
        self._size -= before - kept.size

    def _keep_bounds(self) -> None:
        while len(self._kept) > self._sandboxes_max:
            self._forget(next(iter(self._kept)))
        if self._count > self._requests_most_of_all:
            self._make_room(lambda kept: len(kept.requests), self._requests_most_of_all)
        if self._size > self._bytes_most_of_all:
            self._make_room(lambda kept: kept.size, self._bytes_most_of_all)

    def _make_room(self, size_of: Callable[[SandboxLog], int], most: int) -> None:
        """Drop the oldest requests of the largest logs until an eighth of `most` is free, so that this stays rare."""
        level = share([size_of(kept) for kept in self._kept.values()], most - most // 8)
        for kept in self._kept.values():
            while size_of(kept) > level:
                self._drop_oldest(kept)


def share(sizes: Iterable[int], most: int) -> int:
    """The largest cap for which the sizes, each cut to the cap, sum to at most `most`."""
    left, ascending = most, sorted(sizes)
    for n, size in enumerate(ascending):
        if size * (len(ascending) - n) > left:
            return left // (len(ascending) - n)
        left -= size
    return most


class RequestDoc(TypedDict):
    """A logged request and its answer."""

    id: Annotated[str | None, says("The request's id: the `Mocklend-Request-Id` of its answer.")]
    at: Annotated[
        str | None,
        says(
            "When it was received. RFC 3339, on the sandbox's clock; null if it is a manual one that another process "
            "may have moved, or an earlier one."
        ),
    ]
    clock: Annotated[str, one_of(("wall", "manual"), "The mode of the clock then: a manual one only requests move.")]
    method: Annotated[str, says("The HTTP method.")]
    path: Annotated[str, says("The path with its query.")]
    idempotency_key: Annotated[str | None, says("Its Idempotency-Key; null if it had none.")]
    body: Annotated[JsonObject | None, says("Its body as JSON; null if it had none.")]
    status: Annotated[int, says("The HTTP status of its answer.")]
    answer: Annotated[JsonObject | None, says("The answer; null if it is too long, empty, broken or not JSON.")]
    broken: Annotated[bool, says("Whether a fault delayed or broke the answer.")]
    left_out: Annotated[str | None, says("Why the request cannot be repeated; null if it can.")]


class RequestsDoc(TypedDict):
    """The newest requests of a sandbox: at most `requests_max` and 8 MiB; fewer if all sandboxes together are large."""

    complete: Annotated[bool, says("True: there was no other request since the sandbox was created or reset.")]
    requests_max: Annotated[int, says("The greatest number of requests that is kept of a sandbox.")]
    starts: Annotated[str, says("The sandbox's time when it was created or reset. RFC 3339.")]
    now: Annotated[str, says("The sandbox's time now. RFC 3339.")]
    sandbox: Annotated[SandboxDoc, says("The sandbox, as GET /-/sandboxes shows it.")]
    requests: Annotated[list[RequestDoc], says("The requests, oldest first.")]


requests_made = APIBlueprint("requests_made", __name__)


def request_log_of(app: Flask) -> RequestLog:
    """The request log of an app."""
    log: RequestLog = app.extensions[EXTENSION]
    return log


def log_requests(app: Flask, platform: Platform) -> None:
    """Log an app's requests. Call this between `break_answers` and `answer_faultily`.

    So the log has the answer that replaces the view's, and has it before it is delayed or broken.
    """
    log = app.extensions[EXTENSION] = RequestLog()
    platform.on_reset_elsewhere = log.forget
    platform.on_clock_moved.append(
        lambda id, from_ms, to_ms: log.moved(id, _an_advance(platform.real_ms(), to_ms), from_ms, to_ms)
    )
    with platform.read() as connection:
        if find(connection, "id", DEFAULT) is None:
            log.begin(DEFAULT)
    app.after_request(log_request)


class RequestQuery(Body):
    """Filters of the request log."""

    path: Annotated[str, bounded_str(200)] | None = Field(
        default=None, description="Only requests whose path contains this text, such as a loan's id."
    )
    status: HttpStatus | None = Field(
        default=None, description="Only requests that were answered with this HTTP status."
    )

    def asks_for(self, entry: LoggedRequest) -> bool:
        """Whether a request is among those that are wanted."""
        return (self.path is None or self.path in entry.path) and self.status in (None, entry.status)


@requests_made.get("/-/requests")
@requests_made.input(RequestQuery, location="query", arg_name="query")
@requests_made.output(document(RequestsDoc))
@requests_made.doc(**operation("getRequests"))
def get_requests(query: RequestQuery) -> Response:
    """The newest requests of this sandbox, in order, from which a scenario can be saved."""
    platform, id = current_platform(), sandbox_id()
    with platform.read() as connection:
        sandbox = platform.sandbox(connection, id)
    (entries, complete), clocks, times = _log().of(id), _log().clocks_of(id), _log().times_of(sandbox)
    now_ms = sandbox.now_ms(platform.real_ms())
    requests: RequestsDoc = {
        "complete": complete and not platform.others_served,
        "requests_max": REQUESTS_MAX,
        "starts": rfc3339(sandbox.created_ms),
        "now": rfc3339(now_ms),
        "sandbox": sandbox_doc(sandbox, now_ms, shows_truth=shows_truth(sandbox)),
        "requests": [
            _request_doc(entry, *received(sandbox, clocks, entry, at_ms))
            for entry, at_ms in zip(entries, times, strict=False)
            if query.asks_for(entry)
        ],
    }
    # Not with orjson: a refused body may contain an integer of more than 64 bits.
    return Response(json.dumps(requests, ensure_ascii=False, separators=(",", ":")), content_type=JSON)


def _request_doc(entry: LoggedRequest, at_ms: int | None, clock: str) -> RequestDoc:
    return {
        "id": entry.id,
        "at": maybe_rfc3339(at_ms),
        "clock": clock,
        "method": entry.method,
        "path": entry.path,
        "idempotency_key": entry.key,
        "body": parsed(entry.body),
        "status": entry.status,
        "answer": parsed(entry.answer),
        "broken": entry.broken,
        "left_out": entry.left_out,
    }


def received(
    sandbox: Sandbox, clocks: list[tuple[int, Sandbox]], entry: LoggedRequest, at_ms: int | None
) -> tuple[int | None, str]:
    """The sandbox's time (ms) when a request came, and the mode of its clock. `at_ms` is that of a manual clock."""
    then = next((before for until_ms, before in clocks if entry.real_ms < until_ms), sandbox)
    if then.mode == "wall" and entry.path != ADVANCE:
        return then.now_ms(entry.real_ms), "wall"
    return None if current_platform().others_served else at_ms, "manual"


def _moved_to_ms(response: Response) -> int | None:
    """Where an advance moves the clock: the new time, or if it still runs where it goes. None if it was refused."""
    answer = parsed(response.get_data()) or {} if response.status_code < 300 else {}
    to = answer.get("now") or answer.get("to")
    return parse_rfc3339(to) if isinstance(to, str) else None


@contextmanager
def clock_changes(sandbox_id: str) -> Iterator[None]:
    """Log that the block changes the mode of the sandbox's clock."""
    with current_platform().read() as connection:
        before = current_platform().sandbox(connection, sandbox_id)
    yield
    with current_platform().read() as connection:
        _log().clock_changed(before, current_platform().sandbox(connection, sandbox_id))


def log_request(response: Response) -> Response:
    """After each answer: log its request."""
    if request.method == "OPTIONS" or is_peek():
        return response
    address = request.url_rule.rule if request.url_rule else ""
    log = _log()
    if address.startswith("/-/"):
        if address.startswith(NOT_LOGGED) and 200 <= response.status_code < 300:
            _begins_or_ends(log, address, response)
        if request.method in ("GET", "HEAD") or address.startswith(NOT_LOGGED):
            return response
        try:
            sandbox_id()  # Not every endpoint of the control plane has determined its sandbox.
        except Refused:
            return response
    id = asked_request().sandbox_id
    if id is not None:
        entry = _entry(response)
        if address == "/-/clock":
            entry = _as_an_advance(entry)
        log.add(id, entry, _moved_to_ms(response) if address == ADVANCE else None)
    return response


def _an_advance(real_ms: int, to_ms: int) -> LoggedRequest:
    """A move of a clock that no request asked for, as the request that would have asked for it."""
    body = json.dumps({"to": rfc3339(to_ms)}).encode()
    return LoggedRequest(real_ms, "POST", ADVANCE, None, body, 200, b"", False, None)


def _as_an_advance(entry: LoggedRequest) -> LoggedRequest:
    """A change of the clock's mode as an advance to the same moment: a saved scenario runs on a manual clock."""
    to = {"to": (parsed(entry.answer) or {}).get("now")}
    return replace(entry, method="POST", path=ADVANCE, body=json.dumps(to).encode(), answer=b"")


def _begins_or_ends(log: RequestLog, address: str, response: Response) -> None:
    if address == "/-/sandboxes":
        answer = json.loads(response.get_data())
        if request.method == "POST":
            log.begin(answer["id"])
        for id in answer["deleted"] if request.method == "DELETE" else ():
            log.forget(id)
    elif address == "/-/reset":
        log.begin(sandbox_id())
    elif request.method == "DELETE":
        log.forget((request.view_args or {})["id"])


def _entry(response: Response) -> LoggedRequest:
    outcome = asked_request().outcome
    cut = outcome is not None and outcome.break_how != "none"
    whole = response.mimetype in (JSON, PROBLEM) and not response.is_streamed
    answer = response.get_data() if whole and not cut else b""  # The client did not receive a broken answer.
    left_out = _left_out()
    return LoggedRequest(
        current_platform().real_ms(),
        request.method,
        _path(),
        request.headers.get(HEADER),
        _body(),
        response.status_code,
        b"" if len(answer) > ANSWER_MAX or left_out else answer,
        cut or (outcome is not None and outcome.delay_ms > 0),
        left_out,
        ASKED_BY.get(),
    )


def _path() -> str:
    """The path with its query, as received."""
    query = request.query_string.decode("ascii", "replace")
    return quote(request.path) + (f"?{query}" if query else "")


def _left_out() -> str | None:
    if FAULT_HEADER in request.headers:
        return f"a fault that the header {FAULT_HEADER} names"
    if request.method != "GET" and request.path.startswith("/v1/callbacks/"):
        return "a callback that a client signed"
    if request.method != "GET" and request.path.startswith("/v1/webhook-endpoints"):
        return "a webhook endpoint: messages would be sent there again"
    if request.method != "GET" and _body() and parsed(_body()) is None:
        return "a body that is not a JSON object"
    return None


def _body() -> bytes:
    """The body, if the view has read it; empty otherwise."""
    return asked_request().body_read


def parsed(data: bytes) -> JsonObject | None:
    """A JSON object, or None where the data is not one."""
    try:
        document = parse(data)
    except Refused:
        return None
    return document if isinstance(document, dict) else None


def _log() -> RequestLog:
    return request_log_of(current_app)
