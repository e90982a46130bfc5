"""The door: reads each request completely, checks it and queues it in its sandbox's lane, before a thread works on it.

        connection ─▶ allowed host? ─▶ the whole body ─▶ lane of its sandbox ─▶ a thread ─▶ the WSGI app
                       421, 403        408, 400          429 if too many wait       │
        client     ◀──────────────────────────── at once, or after a fault's delay ◀┘

The door is the application that the server calls (RSGI, granian's own interface). A request that a hot path can answer
in microseconds is answered or taken on the server's own thread, as soon as its body is there (`begin`, see `api.hot`).
All others go on in the event loop, so that a body that never arrives and a delayed answer need no thread. Slow work is
left to threads.

Each pool of threads has lanes of its own, so that no pool waits for another: one for the client planes; one for the
control plane, where a request may take minutes; one for health and the halt of all rules, which must always answer; and
one thread for long bodies. An answer that goes on as a stream leaves its thread after its first events.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any, Protocol

import orjson

from mocklend.access_log import AccessLog, Watched
from mocklend.arriving import Arriving, Read, incomplete
from mocklend.config import LIVE_STREAMS_MAX
from mocklend.domain.problems import Refused
from mocklend.event_streams import STREAM, STREAMS, EventStreams, Opening
from mocklend.held import HeldAnswers
from mocklend.hosts import HostPolicy
from mocklend.received import BODY_MAX, ReceivedRequest, body_max, environ_of, headers_of
from mocklend.spool import Content, gathered, size_of
from mocklend.workers import Workers, uncollected

RETRY_AFTER_S = "1"
TICK_S = 0.05
"""How often the door checks for work that has waited too long."""
BODY_HEADERS = frozenset({"content-length", "transfer-encoding"})
CLOSING = ("server_stopping", "body_late", "body_incomplete")
"""Refusals after which the connection cannot be used any more."""
CONTROL = ("/-/", "/console")
URGENT = ("/-/health", "/-/rules/halt")
"""Paths that answer whatever else is in progress."""
FILE_OPENED_S = 30.0
"""Seconds after which the server has surely opened the file that it sends, so that this module may close its handle."""
ROOM_ENOUGH = nullcontext()
HOLD = "mocklend.hold_ms"
"""Key of the WSGI environment: how long the answer is to be held back, in ms."""
CLOSES = "mocklend.closes"
"""Key of the WSGI environment: whether the connection ends after the answer."""
SANDBOX = "mocklend.sandbox_id"
"""Key of the WSGI environment: the request's sandbox, for the access log."""

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
Headers = list[tuple[str, str]]


Respond = Callable[[int, Headers, bytes, str, int], None]
"""Sends an answer: status, headers, body, the request's sandbox, and for how many ms after its arrival it is held back.
May be called from any thread."""
GoOn = Callable[[Coroutine[Any, Any, None]], None]
"""Starts what remains to be done for a request in the event loop."""


class Hot(Protocol):
    """Answers some requests in microseconds each, without the app and its threads."""

    def at_once(self, request: ReceivedRequest, respond: Respond, hand_back: Callable[[], None]) -> bool:
        """Answer a request that has no body, or take it: another thread then answers it or hands it back.

        On the server's thread. False: nothing was sent or taken.
        """
        ...

    @property
    def taken(self) -> int:
        """How many requests are taken and not answered yet."""
        ...

    def soon(self, request: ReceivedRequest, respond: Respond, hand_back: Callable[[], None]) -> bool:
        """Take a request whose body has arrived. Another thread then answers it or hands it back to the app.

        On the server's thread, or on that of the event loop. False: it was not taken.
        """
        ...


class Connection(Protocol):
    """A request's connection to its client: the part of granian's protocol object that is used."""

    def __call__(self) -> Any: ...
    def __aiter__(self) -> Any: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
    def response_file(self, status: int, headers: Headers, file: str) -> None: ...
    def response_stream(self, status: int, headers: Headers) -> Any: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How many requests of one sandbox may be in progress. A request's credential stands for its sandbox."""

    body_deadline_s: float = 20.0
    """How long a body may take to arrive; then the request is refused."""
    threads_max: int = 256
    running_max: int = 64
    waiting_max: int = 1_024
    control_threads_max: int = 64
    control_running_max: int = 4
    control_waiting_max: int = 64
    urgent_threads_max: int = 4
    urgent_waiting_max: int = 256
    long_bodies_max: int = 8
    long_bodies_lane_max: int = 2
    """Requests with long bodies, in all and per sandbox, counted from before the body is read until the answer."""


class Door:
    """The door of one server."""

    def __init__(
        self,
        app: WsgiApp,
        *,
        hosts: HostPolicy,
        port: int,
        limits: Limits | None = None,
        hot: Hot | None = None,
        access: AccessLog | None = None,
        streams_max: int = LIVE_STREAMS_MAX,
    ) -> None:
        limits = limits or Limits()
        self.streams = EventStreams(streams_max)
        self._access = access
        self.hot = hot
        """May be set later, once the app is built."""
        self._app = app
        self._hosts = hosts
        self._clients = Workers(
            "mocklend-client",
            threads_max=limits.threads_max,
            lane_running_max=limits.running_max,
            lane_waiting_max=limits.waiting_max,
        )
        self._control = Workers(
            "mocklend-control",
            at_once=limits.control_threads_max,
            threads_max=limits.control_threads_max,
            lane_running_max=limits.control_running_max,
            lane_waiting_max=limits.control_waiting_max,
        )
        self._urgent = Workers(
            "mocklend-urgent",
            at_once=limits.urgent_threads_max,
            threads_max=limits.urgent_threads_max,
            lane_running_max=limits.urgent_threads_max,
            lane_waiting_max=limits.urgent_waiting_max,
        )
        self._heavy = Workers(
            "mocklend-heavy",
            at_once=1,  # Each request computes for a second, and Python runs one thread at a time.
            threads_max=1,
            lane_running_max=1,
            lane_waiting_max=limits.long_bodies_lane_max,
        )
        self._environ: dict[str, Any] = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": str(port),
            "wsgi.errors": sys.stderr,
            "wsgi.input_terminated": True,
            "wsgi.multiprocess": False,
            "wsgi.multithread": True,
            "wsgi.run_once": False,
            "wsgi.version": (1, 0),
            HOLD: 0,
            CLOSES: False,
            STREAMS: self.streams,
        }
        self._loop: asyncio.AbstractEventLoop
        self._answered: deque[asyncio.Future[bool]] = deque()
        self._arriving = Arriving(limits.body_deadline_s)
        self._long: Counter[str] = Counter()
        self._long_max, self._long_lane_max = limits.long_bodies_max, limits.long_bodies_lane_max
        self._held = HeldAnswers()
        self._open = 0
        self._stopping = False

    # --- the server's side ---

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        loop.call_later(TICK_S, self._tick)

    def begin(self, scope: Any, proto: Connection, go_on: GoOn) -> None:
        """Answer a request at once, let another thread answer it, or `go_on` with it in the event loop.

        The server calls it on a thread of its own, one request after the other. `go_on` may be called from any thread.
        """
        came_s = perf_counter()
        if self._access is not None:
            proto = self._access.watched(scope, proto)
        headers = headers_of(scope)
        request = ReceivedRequest(scope.method, scope.path, scope.query_string, headers, b"", {}, came_s)
        try:
            if self._stopping:
                raise Refused("server_stopping", "the server is stopping")
            self._hosts.check(request.method, request.path, headers)
        except Refused as refused:
            refuse(proto, refused)
            return
        if BODY_HEADERS.isdisjoint(headers):
            respond, hand_back = self._ways(request, scope, proto, go_on)
            if self.hot is None or not self.hot.at_once(request, respond, hand_back):
                hand_back()
            return
        length = headers.get("content-length", "")
        if body_max(request.path) > BODY_MAX or not length.isdecimal() or not 0 < int(length) <= BODY_MAX:
            go_on(self._read(request, scope, proto, go_on))
            return

        def arrived(read: Read) -> None:
            try:
                whole = request._replace(body=self._arriving.part(read))
                if len(whole.body) != int(length):
                    raise incomplete()
            except Refused as refused:
                refuse(proto, refused)
                return
            if not self._is_taken(whole, scope, proto, go_on):
                go_on(self._answer(whole, scope, proto))

        self._arriving.expect(proto(), self._arriving.until_s(), arrived)

    def _is_taken(self, request: ReceivedRequest, scope: Any, proto: Connection, go_on: GoOn) -> bool:
        """Whether a hot path has taken a whole request; if not, the app must answer it."""
        return self.hot is not None and self.hot.soon(request, *self._ways(request, scope, proto, go_on))

    def _ways(
        self, request: ReceivedRequest, scope: Any, proto: Connection, go_on: GoOn
    ) -> tuple[Respond, Callable[[], None]]:
        """How a hot path answers a request, and how it hands it back to the app."""

        def respond(status: int, headers: Headers, content: bytes, sandbox_id: str, hold_ms: int) -> None:
            if isinstance(proto, Watched):
                proto.sandbox_id = sandbox_id
            if hold_ms:
                until_s = request.came_s + hold_ms / 1_000
                self._held.hold(until_s, lambda: proto.response_bytes(status, headers, content))
            else:
                proto.response_bytes(status, headers, content)

        def hand_back() -> None:
            go_on(self._answer(request, scope, proto))

        return respond, hand_back

    async def _read(self, request: ReceivedRequest, scope: Any, proto: Connection, go_on: GoOn) -> None:
        """Go on with a request whose body is chunked, may be long, or is too long."""
        try:
            if self._stopping:
                raise Refused("server_stopping", "the server is stopping")
            headers, path = request.headers, request.path
            async with self._room_for(path, headers) if body_max(path) > BODY_MAX else ROOM_ENOUGH:
                request = request._replace(body=await self._body(path, headers, proto))
                if not self._is_taken(request, scope, proto, go_on):
                    await self._answer(request, scope, proto)
        except Refused as refused:
            refuse(proto, refused)

    async def drained(self) -> None:
        """Refuse new requests, and wait until all that are in progress are answered."""
        self._stopping = True
        self._arriving.stop()
        self.streams.stop()
        self._held.stop()
        while not await self._is_idle():
            await asyncio.sleep(TICK_S)

    async def _is_idle(self) -> bool:
        """Whether no request is in progress."""
        taken = len(self._arriving) or (self.hot is not None and self.hot.taken)
        for _ in range(2):  # What was taken before has scheduled its answer, and a task for it: it is open or held now.
            await asyncio.sleep(0)
        return not (taken or self._open or self._held)

    # --- in the loop ---

    @asynccontextmanager
    async def _room_for(self, path: str, headers: dict[str, str]) -> AsyncIterator[None]:
        """Wait for room for a body that may be long, until it is answered: each takes much memory.

        While it waits the body is unread: if it were refused at once, the client would only send it again at once.
        """
        length, lane = headers.get("content-length", ""), headers.get("authorization", path)
        if length.isdecimal() and int(length) <= BODY_MAX:
            yield
            return
        until_s = self._arriving.until_s()
        while (lane_full := self._long_lane_max <= self._long[lane]) or self._long_max <= self._long.total():
            if self._stopping or until_s <= monotonic():
                code = "sandbox_busy" if lane_full else "busy"
                raise Refused(code, "too many requests with long bodies are in progress")
            await asyncio.sleep(TICK_S)
        self._long[lane] += 1
        try:
            yield
        finally:
            self._long[lane] -= 1
            if not self._long[lane]:
                del self._long[lane]

    async def _body(self, path: str, headers: dict[str, str], proto: Connection) -> bytes:
        """Return the whole body; if it is longer than the path accepts, one byte more than the limit.

        The app refuses a body that is too long.
        """
        length = headers.get("content-length")
        limit = body_max(path)
        if length is not None and (not length.isdecimal() or int(length) > limit):
            return b""  # The app sees the length, and refuses the request.
        if length is not None:
            return await self._whole(proto, int(length))
        return await self._chunked(proto, limit)

    async def _whole(self, proto: Connection, length: int) -> bytes:
        """Return a body of `length` bytes. Refused `body_incomplete` if the client closes before."""
        if not length:
            return b""
        body = await self._part(proto(), self._arriving.until_s())
        if len(body) != length:
            raise incomplete()
        return body

    async def _chunked(self, proto: Connection, limit: int) -> bytes:
        """Return a chunked body, or its first `limit` + 1 bytes. Refused `body_incomplete` without its last chunk."""
        body = bytearray()  # Not a list of chunks: they may have one byte each.
        empty_chunks, until_s = 0, self._arriving.until_s()
        stream = aiter(proto)
        while len(body) <= limit:
            try:
                chunk = await self._part(anext(stream), until_s)
            except StopAsyncIteration:
                if empty_chunks != 1:
                    raise incomplete() from None
                return bytes(body)
            if not chunk:
                empty_chunks += 1  # One is the end. Granian reports a broken connection as a second one.
            body += chunk
        return bytes(body[: limit + 1])

    async def _part(self, read: Read, until_s: float) -> bytes:
        """Await a part of a body until a time of `monotonic`. Raises Refused as `Arriving.part`."""
        came = self._loop.create_future()
        self._arriving.expect(read, until_s, lambda _: self._loop.call_soon_threadsafe(came.set_result, None))
        await came
        return self._arriving.part(read)

    async def _answer(self, request: ReceivedRequest, scope: Any, proto: Connection) -> None:
        """Let the app answer a whole request, and wait until it has."""
        while self._answered:
            self._let_go(self._answered.popleft())
        done = self._loop.create_future()
        workers = self._workers_for(request)

        def job() -> None:
            with uncollected() if workers is self._heavy else nullcontext():
                self._work(request, scope, proto, done)

        if not workers.submit(request.headers.get("authorization", ""), job):
            refuse(proto, Refused("sandbox_busy", "too many requests of this sandbox are waiting"))
            return
        self._open += 1
        try:
            await done
        finally:
            self._open -= 1

    def _workers_for(self, request: ReceivedRequest) -> Workers:
        if not request.path.startswith(CONTROL):
            return self._clients
        if len(request.body) > BODY_MAX:
            return self._heavy
        return self._urgent if request.path in URGENT else self._control

    def _tick(self) -> None:
        while self._answered:
            self._let_go(self._answered.popleft())
        self._arriving.give_up()
        self._clients.relieve()
        self.streams.beat()
        self._loop.call_later(TICK_S, self._tick)

    @staticmethod
    def _let_go(done: asyncio.Future[bool]) -> None:
        if not done.done():
            done.set_result(True)

    # --- in a worker's thread ---

    def _work(self, request: ReceivedRequest, scope: Any, proto: Connection, done: asyncio.Future[bool]) -> None:
        environ = environ_of(request, scope, self._environ)
        status: int = 500
        sent: Headers = []

        def start_response(line: str, headers: Headers, exc_info: Any = None) -> None:
            nonlocal status, sent
            status, sent = int(line[:3]), headers

        try:
            chunks = self._app(environ, start_response)
            try:
                content = gathered(chunks)
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
        except OSError as failure:
            # The answer is too long for memory, and the disk is full.
            refuse(proto, Refused("unavailable", f"the answer cannot be stored: {failure.strerror}"))
            self._answered.append(done)
            return
        except BaseException:
            # The app answers its own failures, so this failure is outside of it.
            proto.response_bytes(500, [], b"")
            self._answered.append(done)
            raise
        if isinstance(proto, Watched):
            proto.sandbox_id = environ.get(SANDBOX)
        if environ[CLOSES]:
            sent = [*sent, ("connection", "close")]
        if STREAM in environ and status == 200 and isinstance(content, bytes):
            self._stream(proto, sent, content, environ[STREAM])
            self._answered.append(done)
            return

        def send() -> None:
            self._send(proto, status, sent, content)
            self._answered.append(done)

        if environ[HOLD]:
            self._held.hold(request.came_s + environ[HOLD] / 1_000, send)
        else:
            send()

    def _send(self, proto: Connection, status: int, headers: Headers, content: Content) -> None:
        """Send an answer. A file is read by the server, as fast as the client receives it."""
        if isinstance(content, bytes):
            proto.response_bytes(status, headers, content)
            return
        if not any(name.lower() == "content-length" for name, _ in headers):
            headers = [*headers, ("content-length", str(size_of(content)))]
        proto.response_file(status, headers, f"/dev/fd/{content.fileno()}")
        self._loop.call_soon_threadsafe(self._loop.call_later, FILE_OPENED_S, content.close)

    def _stream(self, proto: Connection, headers: Headers, first: bytes, opening: Opening) -> None:
        """Let an answer go on as a stream, whose first events it is."""
        try:
            self.streams.begin(proto, [each for each in headers if each[0].lower() != "content-length"], first, opening)
        except Refused as refused:
            refuse(proto, refused)


def refuse(proto: Connection, refused: Refused) -> None:
    """Send a refusal as problem+json, as the app does."""
    headers = [("content-type", "application/problem+json")]
    if refused.code in CLOSING:
        headers.append(("connection", "close"))
    if refused.problem.status in (429, 503):
        headers.append(("retry-after", RETRY_AFTER_S))
    proto.response_bytes(refused.problem.status, headers, orjson.dumps(refused.to_json()))
