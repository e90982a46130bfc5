"""What was asked in a sandbox since it was made, so that it can be done again: `mocklend scenario save`.

        request ─▶ work ─▶ answer ─▶ Record (memory, this process) ─▶ GET /-/requests

Looking at the control plane is left out; all else is kept, reads too, for a fault may count them. Of a sandbox with
more than REQUESTS_MAX requests the newest are kept, and of one that this process did not see made or emptied those
that it answered: somebody who looks for what just went wrong finds it. Where all sandboxes together have too much,
those that have most lose their oldest, and a quiet one loses nothing to a busy one. Then the record says that it is
not complete, and no scenario is saved of it, for half of a story is none. Of several processes each knows what it
answered itself.
A request is on record before anything of its answer leaves: a client that was cut off asks the next thing at once, and
that comes after it. Nothing that decides reads the record.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, TypedDict
from urllib.parse import quote

from apiflask import APIBlueprint
from flask import Flask, Response, current_app, request
from msgspec import structs

from mocklend.api.documents import document
from mocklend.api.idempotency import HEADER
from mocklend.api.json_body import asked_request, parse
from mocklend.api.openapi import operation
from mocklend.api.request_context import current_platform, sandbox_id
from mocklend.api.responses import JSON, PROBLEM
from mocklend.domain.nouns import JsonObject, says
from mocklend.domain.problems import Refused
from mocklend.runtime import Platform
from mocklend.sandboxes.lifecycle import DEFAULT, SandboxDoc, find, sandbox_doc
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.seams.asking import ASKED_BY
from mocklend.storage.work import Sandbox

REQUESTS_MAX = 2_000
BYTES_MAX = 8 * 1024 * 1024
"""So much of a sandbox is kept: beyond either, the oldest goes."""
REQUESTS_OF_ALL_MAX = 200_000
BYTES_OF_ALL_MAX = 128 * 1024 * 1024
"""So much of all sandboxes: beyond either, the oldest go of those that have most, until an eighth is free again."""
SANDBOXES_MAX = 10_000
"""Of so many sandboxes: beyond that, the one that has been quiet for longest is forgotten."""
ANSWER_MAX = 16 * 1024
"""A longer answer is not kept with its request."""
EXTENSION = "mocklend.record"
UNASKED = ("/-/sandboxes", "/-/reset", "/-/scores")
"""They make a sandbox, or only look at it."""
FAULT_HEADER = "Mocklend-Fault"
ADVANCE = "/-/clock/advance"
OVERHEAD = 500
"""Bytes that Python takes for a request beside its texts."""


@dataclass(frozen=True, slots=True)
class MadeRequest:
    """A request and what it was answered, when that was in real time, and why it cannot be made again, if so."""

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
class LoggedRequest:
    """The newest requests of one sandbox, in the order of their answers. `complete`: there were no others."""

    made: deque[MadeRequest] = field(default_factory=deque)
    size: int = 0
    complete: bool = True
    clocks: list[tuple[int, Sandbox]] = field(default_factory=list)
    """How the clock ran before it was held or let run, each with the real time at which that ended."""

    def drop_oldest(self) -> None:
        """Forget the oldest request: from now on the story has no beginning."""
        self.size -= self.made.popleft().size
        self.complete = False
        while self.clocks and (not self.made or self.clocks[0][0] < self.made[0].real_ms):
            self.clocks.pop(0)  # No request that is still known came before it ended.


class Record:
    """The newest requests of each sandbox, as far as this process answered them."""

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
        self._kept: OrderedDict[str, LoggedRequest] = OrderedDict()
        self._count = 0
        self._size = 0
        self._lock = threading.Lock()

    def begin(self, sandbox_id: str) -> None:
        """A sandbox is new, or new again."""
        with self._lock:
            self._forget(sandbox_id)
            self._kept[sandbox_id] = LoggedRequest()
            self._keep_bounds()

    def forget(self, sandbox_id: str) -> None:
        """A sandbox is gone."""
        with self._lock:
            self._forget(sandbox_id)

    def add(self, sandbox_id: str, made: MadeRequest) -> None:
        """Keep a request; the oldest goes where it is one too many."""
        with self._lock:
            kept = self._kept.get(sandbox_id)
            if kept is None:  # It was there before this process, or was quiet for long: its beginning is not known.
                kept = self._kept[sandbox_id] = LoggedRequest(complete=False)
            self._kept.move_to_end(sandbox_id)
            kept.made.append(made)
            kept.size += made.size
            self._count += 1
            self._size += made.size
            while len(kept.made) > self._max or (kept.size > self._bytes_max and len(kept.made) > 1):
                self._drop_oldest(kept)
            self._keep_bounds()

    def clock_changed(self, before: Sandbox, after: Sandbox) -> None:
        """The sandbox's clock has run as before until this moment, and runs otherwise from now on."""
        until_ms = after.real_ms
        if before.speed:  # The real time at which it came to where it was held: no moment before that is after it.
            until_ms = before.real_ms + -(-(after.sandbox_ms - before.sandbox_ms) // before.speed)
        with self._lock:
            kept = self._kept.get(before.id)
            if kept is not None:
                kept.clocks.append((until_ms, structs.replace(before, endpoints=())))  # They may be long.

    def clocks_of(self, sandbox_id: str) -> list[tuple[int, Sandbox]]:
        """How the clock ran before, in order."""
        with self._lock:
            kept = self._kept.get(sandbox_id)
            return [] if kept is None else list(kept.clocks)

    def of(self, sandbox_id: str) -> tuple[list[MadeRequest], bool]:
        """The newest requests that were made there, the oldest of them first, and whether there were no others."""
        with self._lock:
            kept = self._kept.get(sandbox_id)
            return ([], False) if kept is None else (list(kept.made), kept.complete)

    def _forget(self, sandbox_id: str) -> None:
        gone = self._kept.pop(sandbox_id, None)
        if gone is not None:
            self._count -= len(gone.made)
            self._size -= gone.size

    def _drop_oldest(self, kept: LoggedRequest) -> None:
        before = kept.size
        kept.drop_oldest()
        self._count -= 1
        self._size -= before - kept.size

    def _keep_bounds(self) -> None:
        while len(self._kept) > self._sandboxes_max:
            self._forget(next(iter(self._kept)))
        if self._count > self._requests_most_of_all:
            self._make_room(lambda kept: len(kept.made), self._requests_most_of_all)
        if self._size > self._bytes_most_of_all:
            self._make_room(lambda kept: kept.size, self._bytes_most_of_all)

    def _make_room(self, much: Callable[[LoggedRequest], int], most: int) -> None:
        """Take from those that have most until an eighth is free: then it is long until this is done again."""
        level = share([much(kept) for kept in self._kept.values()], most - most // 8)
        for kept in self._kept.values():
            while much(kept) > level:
                self._drop_oldest(kept)


def share(wanted: Iterable[int], most: int) -> int:
    """The largest share with which all get what they want, or just the share, and together at most so much."""
    left, sizes = most, sorted(wanted)
    for n, size in enumerate(sizes):
        if size * (len(sizes) - n) > left:
            return left // (len(sizes) - n)
        left -= size
    return most


class RequestDoc(TypedDict):
    """A request as it came, and what it was answered: `answer` is null where it was none, long, or not JSON.

    `id` is the one that its answer had in the header `Mocklend-Request-Id`.
    `at` is null on a manual clock, whose moves are requests themselves. `broken`: the answer with this status was late,
    or did not arrive as it left. `left_out` says why it cannot be made again as it was.
    """

    id: Annotated[str | None, says("The request's id: the `Mocklend-Request-Id` of its answer.")]
    at: Annotated[
        str | None,
        says(
            "When it came, RFC 3339, on the sandbox's clock; null on a manual clock, whose moves are "
            "requests themselves."
        ),
    ]
    method: Annotated[str, says("The HTTP method.")]
    path: Annotated[str, says("The path with its query.")]
    idempotency_key: Annotated[str | None, says("Its Idempotency-Key; null where it had none.")]
    body: Annotated[JsonObject | None, says("Its body as JSON; null where it had none.")]
    status: Annotated[int, says("The HTTP status of its answer.")]
    answer: Annotated[JsonObject | None, says("The answer; null where it was none, long, or not JSON.")]
    broken: Annotated[bool, says("Whether the answer was late, or did not arrive as it left.")]
    left_out: Annotated[str | None, says("Why the request cannot be made again as it was; null where it can.")]


class RequestsDoc(TypedDict):
    """What was asked in a sandbox, in order: the newest requests, at most `requests_max` and 8 MiB of them.

    Fewer where all sandboxes together have too many. `complete`: nothing else was asked since the sandbox was made or
    emptied.
    """

    complete: Annotated[bool, says("True: nothing else was asked since the sandbox was made or emptied.")]
    requests_max: Annotated[int, says("How many requests of a sandbox are kept at most.")]
    starts: Annotated[str, says("Where the sandbox's clock was when it was made or emptied. RFC 3339.")]
    now: Annotated[str, says("Where the clock is. RFC 3339.")]
    sandbox: Annotated[SandboxDoc, says("The sandbox, as GET /-/sandboxes shows it.")]
    requests: Annotated[list[RequestDoc], says("The requests, oldest first.")]


requests_made = APIBlueprint("requests_made", __name__)


def record_of(app: Flask) -> Record:
    """An app's record."""
    record: Record = app.extensions[EXTENSION]
    return record


def keep_record(app: Flask, platform: Platform) -> None:
    """Keep a record of an app's requests. To be called between `break_answers` and `answer_faultily`.

    So it sees the answer that leaves, if another was put in its place, and sees it before it is late or broken.
    """
    record = app.extensions[EXTENSION] = Record()
    with platform.read() as connection:
        if find(connection, "id", DEFAULT) is None:
            record.begin(DEFAULT)
    app.after_request(note)


@requests_made.get("/-/requests")
@requests_made.output(document(RequestsDoc))
@requests_made.doc(**operation("getRequests"))
def get_requests() -> Response:
    """What was asked in this sandbox, in order, so that it can be done again: the newest, where there was much."""
    platform, id = current_platform(), sandbox_id()
    with platform.read() as connection:
        sandbox = platform.sandbox(connection, id)
    (made, complete), clocks = _record().of(id), _record().clocks_of(id)
    now_ms = sandbox.now_ms(platform.real_ms())
    requests: RequestsDoc = {
        "complete": complete,
        "requests_max": REQUESTS_MAX,
        "starts": rfc3339(sandbox.created_ms),
        "now": rfc3339(now_ms),
        "sandbox": sandbox_doc(sandbox, now_ms),
        "requests": [_request_doc(entry, _at(sandbox, clocks, entry)) for entry in made],
    }
    # Not by orjson: a body that was refused may hold an integer of more than 64 bits.
    return Response(json.dumps(requests, ensure_ascii=False, separators=(",", ":")), content_type=JSON)


def _request_doc(entry: MadeRequest, at: str | None) -> RequestDoc:
    return {
        "id": entry.id,
        "at": at,
        "method": entry.method,
        "path": entry.path,
        "idempotency_key": entry.key,
        "body": _document(entry.body),
        "status": entry.status,
        "answer": _document(entry.answer),
        "broken": entry.broken,
        "left_out": entry.left_out,
    }


def _at(sandbox: Sandbox, clocks: list[tuple[int, Sandbox]], entry: MadeRequest) -> str | None:
    """What the sandbox's clock said when a request came; None where it was manual, and for its own moves."""
    if entry.path == ADVANCE:
        return None
    then = next((was for until_ms, was in clocks if entry.real_ms < until_ms), sandbox)
    return rfc3339(then.now_ms(entry.real_ms)) if then.mode == "wall" else None


@contextmanager
def clock_changes(sandbox_id: str) -> Iterator[None]:
    """Within the block the sandbox's clock is held, or let run."""
    with current_platform().read() as connection:
        before = current_platform().sandbox(connection, sandbox_id)
    yield
    with current_platform().read() as connection:
        _record().clock_changed(before, current_platform().sandbox(connection, sandbox_id))


def note(response: Response) -> Response:
    """After each answer: put its request on record."""
    if request.method == "OPTIONS":
        return response  # It does nothing.
    address = request.url_rule.rule if request.url_rule else ""
    record = _record()
    if address.startswith("/-/"):
        if address.startswith(UNASKED) and 200 <= response.status_code < 300:
            _begins_or_ends(record, address, response)
        if request.method in ("GET", "HEAD") or address.startswith(UNASKED):
            return response
        try:
            sandbox_id()  # Not every endpoint of the control plane has asked by now.
        except Refused:
            return response
    id = asked_request().sandbox_id
    if id is not None:
        made = _made(response)
        if address == "/-/clock":
            made = _as_an_advance(made)
        record.add(id, made)
    return response


def _as_an_advance(made: MadeRequest) -> MadeRequest:
    """A story is told on a manual clock: there, holding a clock or letting it run is coming to that moment."""
    to = {"to": (_document(made.answer) or {}).get("now")}
    return replace(made, method="POST", path=ADVANCE, body=json.dumps(to).encode(), answer=b"")


def _begins_or_ends(record: Record, address: str, response: Response) -> None:
    if address == "/-/sandboxes":
        answer = json.loads(response.get_data())
        if request.method == "POST":
            record.begin(answer["id"])
        for id in answer["deleted"] if request.method == "DELETE" else ():
            record.forget(id)
    elif address == "/-/reset":
        record.begin(sandbox_id())
    elif request.method == "DELETE":
        record.forget((request.view_args or {})["id"])


def _made(response: Response) -> MadeRequest:
    outcome = asked_request().outcome
    cut = outcome is not None and outcome.break_how != "none"
    whole = response.mimetype in (JSON, PROBLEM) and not response.is_streamed
    answer = response.get_data() if whole and not cut else b""  # Nobody can go on from an answer that nobody has read.
    left_out = _left_out()
    return MadeRequest(
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
    """The address as it came, query and all."""
    asked = request.query_string.decode("ascii", "replace")
    return quote(request.path) + (f"?{asked}" if asked else "")


def _left_out() -> str | None:
    if FAULT_HEADER in request.headers:
        return "a fault that the request names itself"
    if request.method != "GET" and request.path.startswith("/v1/callbacks/"):
        return "a callback, signed by somebody outside"
    if request.method != "GET" and request.path.startswith("/v1/webhook-endpoints"):
        return "a webhook endpoint: events would be sent there again"
    if request.method != "GET" and _body() and _document(_body()) is None:
        return "a body that is no JSON object"
    return None


def _body() -> bytes:
    """What of the body was read for the work; nobody waits for the rest."""
    return asked_request().body_read


def _document(data: bytes) -> JsonObject | None:
    """A JSON object, or None where it is none."""
    try:
        document = parse(data)
    except Refused:
        return None
    return document if isinstance(document, dict) else None


def _record() -> Record:
    return record_of(current_app)
