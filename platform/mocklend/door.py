"""The one door: each request is read whole, looked at and given a lane here, before any thread works for it.

        connection ─▶ who may ask? ─▶ body, whole or refused ─▶ lane of its sandbox ─▶ a thread ─▶ the WSGI app
                       421, 403        408, 400                  429 if too many wait       │
        client     ◀───────────────────────────── at once, or later where a fault says so ◀─┘

It is the application that the server calls (RSGI, granian's own interface): it runs on the event loop, so that a body
that never comes and an answer that is held back cost no thread. What may take long is not done here; the few requests
that take microseconds are answered here at once (`Hot`, see `api.hot`).

Three kinds of threads answer, each with lanes of its own, so that none waits for another: for the planes that clients
use; for the control plane, which may be asked for minutes of work; and for what must always answer: health, and the
halt of all rules.
"""

from __future__ import annotations

import asyncio
import gc
import io
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol

import orjson

from mocklend.access_log import AccessLog, Watched
from mocklend.domain.problems import Refused
from mocklend.hosts import HostPolicy
from mocklend.spool import Content, gathered, size_of
from mocklend.workers import Workers

BODY_MAX = 64 * 1024
LONG_BODIES = {"/-/scores": 16 * 1024 * 1024}
"""Addresses that take longer bodies."""
RETRY_AFTER_S = "1"
TICK_S = 0.05
"""How often the door looks for work that has waited too long."""
BODY_HEADERS = frozenset({"content-length", "transfer-encoding"})
CLOSING = ("server_stopping", "body_late", "body_incomplete")
"""Refusals after which the connection is of no use."""
CONTROL = "/-/"
URGENT = ("/-/health", "/-/rules/halt")
"""What answers whatever else is going on."""
FILE_OPENED_S = 30.0
"""The server has opened a file that it was told to send by then. It opens it anew, so ours may be closed."""
ROOM_ENOUGH = nullcontext()
HOLD = "mocklend.hold_ms"
"""Where the app leaves how long its answer is to be held back."""
SANDBOX = "mocklend.sandbox_id"
"""Where the app leaves which sandbox a request is about, for the access log."""

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
Headers = list[tuple[str, str]]


class Asked(NamedTuple):
    """A request, whole. Its headers go by their names in lower case; `carried` is for the environment of the app."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    carried: dict[str, Any]


class Outcome(Enum):
    """What became of a request on a hot path."""

    NOT_TAKEN = 0
    ANSWERED = 1
    ANSWERED_LATER = 2
    """By another thread; otherwise it is returned, and nothing has been done."""


Respond = Callable[[int, Headers, bytes, str], None]
"""Sends an answer: status, headers, body, and the sandbox that it is about. May be called from any thread."""
Hot = Callable[[Asked, Respond, Callable[[], None]], Outcome]
"""Answers some requests on the event loop, for which it may take microseconds: `(asked, respond, give_back)`."""


class Connection(Protocol):
    """A request's way back to its client: what is used of granian's protocol object."""

    def __call__(self) -> Any: ...
    def __aiter__(self) -> Any: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
    def response_file(self, status: int, headers: Headers, file: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one sandbox may have under way. Sandboxes are told apart by the credential that a request brings."""

    body_deadline_s: float = 20.0
    """A body that has not come by then is not waited for any longer."""
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
    """Of the addresses that take long ones: from before such a body is read until it is answered."""


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
    ) -> None:
        limits = limits or Limits()
        self._access = access
        self._hot = hot
        self._body_deadline_s = limits.body_deadline_s
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
            at_once=1,  # It computes for a second, and Python lets one thread compute at a time.
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
        }
        self._loop: asyncio.AbstractEventLoop
        self._answered: deque[asyncio.Future[bool]] = deque()
        self._coming: dict[Any, float] = {}
        self._long: Counter[str] = Counter()
        self._long_max, self._long_lane_max = limits.long_bodies_max, limits.long_bodies_lane_max
        self._held: dict[asyncio.TimerHandle, Callable[[], None]] = {}
        self._open = 0
        self._stopping = False

    # --- the server's side ---

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        loop.call_later(TICK_S, self._tick)

    async def __rsgi__(self, scope: Any, proto: Connection) -> None:
        while self._answered:
            self._let_go(self._answered.popleft())
        if self._access is not None:
            proto = self._access.watched(scope, proto)
        try:
            if self._stopping:
                raise Refused("server_stopping", "the server was told to stop")
            headers, path = headers_of(scope), scope.path
            self._hosts.check(scope.method, path, headers)
            async with self._room_for(headers) if path in LONG_BODIES else ROOM_ENOUGH:
                body = await self._body(path, headers, proto) if headers.keys() & BODY_HEADERS else b""
                asked = Asked(scope.method, path, scope.query_string, headers, body, {})
                if self._hot is None or not await self._answer_hot(self._hot, asked, proto):
                    await self._answer(asked, scope, proto)
        except Refused as refused:
            refuse(proto, refused)

    async def drained(self) -> None:
        """Refuse what comes from now on, and wait until all that is under way is answered."""
        self._stopping = True
        for body in list(self._coming):
            body.cancel()
        for timer, answer in list(self._held.items()):
            timer.cancel()
            answer()
        while self._open:
            await asyncio.sleep(TICK_S)

    # --- in the loop ---

    @asynccontextmanager
    async def _room_for(self, headers: dict[str, str]) -> AsyncIterator[None]:
        """Room for a body that may be long, from before it is read until it is answered: each takes much memory.

        Who finds none waits for some, with the body unread: refused at once, it would only be sent again at once.
        """
        length, lane = headers.get("content-length", ""), headers.get("authorization", "")
        if length.isdecimal() and int(length) <= BODY_MAX:
            yield
            return
        until_s = self._loop.time() + self._body_deadline_s
        while (full := self._long_lane_max <= self._long[lane]) or self._long_max <= self._long.total():
            if self._stopping or until_s <= self._loop.time():
                code = "sandbox_busy" if full else "busy"
                raise Refused(code, "too many long bodies are under way for too long")
            await asyncio.sleep(TICK_S)
        self._long[lane] += 1
        try:
            yield
        finally:
            self._long[lane] -= 1
            if not self._long[lane]:
                del self._long[lane]

    async def _body(self, path: str, headers: dict[str, str], proto: Connection) -> bytes:
        """The body, whole. Where it is longer than the address takes, as much as shows it: the app refuses it then."""
        length = headers.get("content-length")
        most = LONG_BODIES.get(path, BODY_MAX)
        if length is not None and (not length.isdecimal() or int(length) > most):
            return b""  # The app reads its length, and refuses it.
        if length is not None:
            return await self._whole(proto, int(length))
        return await self._chunked(proto, most)

    async def _whole(self, proto: Connection, length: int) -> bytes:
        """A body of so many bytes. Refused if the client has left before all of it came."""
        if not length:
            return b""
        body: bytes = await self._in_time(proto(), self._loop.time() + self._body_deadline_s)
        if len(body) != length:
            raise incomplete()
        return body

    async def _chunked(self, proto: Connection, most: int) -> bytes:
        """A body in chunks, or the first of it where it is longer than `most`. Refused if its end did not come."""
        body = bytearray()  # Joined as they come: they may be of a byte each.
        empty, until_s = 0, self._loop.time() + self._body_deadline_s
        stream = aiter(proto)
        while len(body) <= most:
            try:
                chunk: bytes = await self._in_time(anext(stream), until_s)
            except StopAsyncIteration:
                if empty != 1:
                    raise incomplete() from None
                return bytes(body)
            if not chunk:
                empty += 1  # One for the end; another one before it is an error, which granian does not tell apart.
            body += chunk
        return bytes(body[: most + 1])

    async def _in_time(self, coming: Any, until_s: float) -> bytes:
        """What the connection brings, if it does until then: the tick looks after it, which costs less than a timer."""
        self._coming[coming] = until_s
        try:
            part: bytes = await coming
        except asyncio.CancelledError:
            if self._stopping:
                raise Refused("server_stopping", "the server was told to stop") from None
            raise Refused(
                "body_late", "the body did not come in time", expected=f"a whole body in {self._body_deadline_s:g} s"
            ) from None
        except Exception:
            raise incomplete() from None  # granian has an exception of its own for a connection that breaks.
        finally:
            del self._coming[coming]
        return part

    async def _answer(self, asked: Asked, scope: Any, proto: Connection) -> None:
        answered = self._loop.create_future()
        workers = self._workers_for(asked)

        def job() -> None:
            with uncollected() if workers is self._heavy else nullcontext():
                self._work(asked, scope, proto, answered)

        if not workers.submit(asked.headers.get("authorization", ""), job):
            raise Refused("sandbox_busy", "too many requests of this sandbox wait already")
        await self._until(answered)

    async def _answer_hot(self, hot: Hot, asked: Asked, proto: Connection) -> bool:
        """Whether it was answered; if not, it is for the app."""
        answered = self._loop.create_future()

        def respond(status: int, headers: Headers, body: bytes, sandbox_id: str) -> None:
            if isinstance(proto, Watched):
                proto.sandbox_id = sandbox_id
            proto.response_bytes(status, headers, body)
            self._answered.append(answered)

        def give_back() -> None:
            self._loop.call_soon_threadsafe(answered.set_result, False)

        outcome = hot(asked, respond, give_back)
        if outcome is Outcome.ANSWERED_LATER:
            return await self._until(answered)
        return outcome is Outcome.ANSWERED

    async def _until(self, answered: asyncio.Future[bool]) -> bool:
        self._open += 1
        try:
            return await answered
        finally:
            self._open -= 1

    def _workers_for(self, asked: Asked) -> Workers:
        if not asked.path.startswith(CONTROL):
            return self._clients
        if len(asked.body) > BODY_MAX:
            return self._heavy
        return self._urgent if asked.path in URGENT else self._control

    def _tick(self) -> None:
        while self._answered:
            self._let_go(self._answered.popleft())
        now_s = self._loop.time()
        for body, until_s in list(self._coming.items()):
            if until_s <= now_s:
                body.cancel()
        self._clients.relieve()
        self._loop.call_later(TICK_S, self._tick)

    @staticmethod
    def _let_go(answered: asyncio.Future[bool]) -> None:
        if not answered.done():
            answered.set_result(True)

    # --- in a worker's thread ---

    def _work(self, asked: Asked, scope: Any, proto: Connection, answered: asyncio.Future[bool]) -> None:
        environ = self._environ_of(asked, scope)
        status: int = 500
        sent: Headers = []

        def start_response(line: str, given: Headers, exc_info: Any = None) -> None:
            nonlocal status, sent
            status, sent = int(line[:3]), given

        try:
            chunks = self._app(environ, start_response)
            try:
                content = gathered(chunks)
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
        except OSError as failure:
            # An answer too long for memory, and no room for it on the disk either.
            refuse(proto, Refused("unavailable", f"there is no room to keep the answer in: {failure.strerror}"))
            self._answered.append(answered)
            return
        except BaseException:
            # The app answers its own failures, so this is one of the machinery around it.
            proto.response_bytes(500, [], b"")
            self._answered.append(answered)
            raise
        if isinstance(proto, Watched):
            proto.sandbox_id = environ.get(SANDBOX)
        hold_ms = environ[HOLD]
        if hold_ms:
            self._loop.call_soon_threadsafe(self._hold, hold_ms, proto, status, sent, content, answered)
            return
        self._send(proto, status, sent, content)
        self._answered.append(answered)

    def _send(self, proto: Connection, status: int, headers: Headers, content: Content) -> None:
        """Send an answer. What goes out of a file is read as fast as the client takes it, by the server itself."""
        if isinstance(content, bytes):
            proto.response_bytes(status, headers, content)
            return
        if not any(name.lower() == "content-length" for name, _ in headers):
            headers = [*headers, ("content-length", str(size_of(content)))]
        proto.response_file(status, headers, f"/dev/fd/{content.fileno()}")
        self._loop.call_soon_threadsafe(self._loop.call_later, FILE_OPENED_S, content.close)

    def _hold(
        self,
        hold_ms: int,
        proto: Connection,
        status: int,
        sent: Headers,
        content: Content,
        answered: asyncio.Future[bool],
    ) -> None:
        """Keep an answer back, which takes no thread; a server that stops sends it at once."""

        def answer() -> None:
            self._held.pop(timer, None)
            self._send(proto, status, sent, content)
            self._let_go(answered)

        timer = self._loop.call_later(0 if self._stopping else hold_ms / 1000, answer)
        self._held[timer] = answer

    def _environ_of(self, asked: Asked, scope: Any) -> dict[str, Any]:
        environ = self._environ | asked.carried
        environ["REQUEST_METHOD"] = asked.method
        environ["PATH_INFO"] = _wsgi_text(asked.path)
        environ["QUERY_STRING"] = _wsgi_text(asked.query)
        environ["SERVER_PROTOCOL"] = "HTTP/" + scope.http_version
        environ["REMOTE_ADDR"] = scope.client.rpartition(":")[0]
        environ["wsgi.url_scheme"] = scope.scheme
        environ["wsgi.input"] = io.BytesIO(asked.body)
        for name, value in asked.headers.items():
            environ[WSGI_NAMES.get(name) or wsgi_name(name)] = value
        return environ


WSGI_NAMES = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
NAMES_MAX = 1_000


def _wsgi_text(text: str) -> str:
    """A text as WSGI wants it: a character for each byte of its UTF-8."""
    return text if text.isascii() else text.encode().decode("latin-1")


def wsgi_name(header: str) -> str:
    """Where WSGI has a header. The names that come are kept, up to a bound."""
    name = "HTTP_" + header.upper().replace("-", "_")
    if len(WSGI_NAMES) < NAMES_MAX:
        WSGI_NAMES[header] = name
    return name


def headers_of(scope: Any) -> dict[str, str]:
    """A request's headers by name in lower case. One that comes twice is joined; one that is not ASCII is empty."""
    given = scope.headers
    pairs = given.items()
    headers: dict[str, str] = dict(pairs)
    if len(headers) < len(pairs):
        headers = {}
        for name, value in pairs:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    if len(headers) < len(given):
        headers |= {name: "" for name in given if name not in headers}
    return headers


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's collector: what is made of a long body is let go by itself, and to look through it again and
    again would stop every thread for a fifth of a second each time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def incomplete() -> Refused:
    return Refused("body_incomplete", "the connection ended before the body did", expected="the whole body")


def refuse(proto: Connection, refused: Refused) -> None:
    """A refusal at the door, as problem+json like all others."""
    headers = [("content-type", "application/problem+json")]
    if refused.code in CLOSING:
        headers.append(("connection", "close"))
    if refused.problem.status in (429, 503):
        headers.append(("retry-after", RETRY_AFTER_S))
    proto.response_bytes(refused.problem.status, headers, orjson.dumps(refused.to_json()))
