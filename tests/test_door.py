"""The door: requests are whole or refused, each lane has its bounds, and what must answer does, whatever else goes on."""

from __future__ import annotations

import asyncio
import errno
import json
import resource
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from granian.constants import HTTPModes, Interfaces

from mocklend import serving
from mocklend.access_log import AccessLog
from mocklend.door import HOLD, SANDBOX, Asked, Door, Limits, Outcome, Respond
from mocklend.hosts import HostPolicy
from mocklend.serving import Server
from mocklend.workers import set_aside

pytestmark = pytest.mark.security

LONG_S = 30
LIMITS = Limits(
    body_deadline_s=0.5,
    threads_max=8,
    running_max=4,
    waiting_max=4,
    control_threads_max=4,
    control_running_max=2,
    control_waiting_max=4,
)


@dataclass
class App:
    """A WSGI app that notes what reaches it. Requests to …/stay stay until they are let go."""

    seen: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: dict[str, Any] = field(default_factory=dict)
    left: threading.Event = field(default_factory=threading.Event)
    staying: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    hold_ms: int = 0
    long_mb: int = 4

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path, body = environ["PATH_INFO"], environ["wsgi.input"].read()
        self.seen.append((environ["REQUEST_METHOD"], path, body))
        self.headers = {name: value for name, value in environ.items() if isinstance(value, str)}
        if path.endswith("/stay"):
            self.staying.release()
            with set_aside():
                assert self.left.wait(LONG_S)
        if path.endswith("/breaks"):
            raise LookupError("a bug beneath the app")
        if path.endswith("/late"):
            environ[HOLD] = self.hold_ms
        if path.endswith("/long"):
            start_response("200 OK", [("content-type", "text/plain")])
            return (b"x" * 1024 * 1024 for _ in range(self.long_mb))
        if path.endswith("/no-room"):
            raise OSError(errno.ENOSPC, "No space left on device")
        environ[SANDBOX] = "sbx_1"
        start_response("200 OK", [("content-type", "text/plain"), ("Mocklend-Request-Id", "req_1")])
        return [b"done"]


@dataclass
class Place:
    """A door with a server around it."""

    app: App
    door: Door
    port: int
    loop: asyncio.AbstractEventLoop
    open: list[socket.socket] = field(default_factory=list)

    def connect(self, sent: bytes) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=LONG_S)
        made.sendall(sent)
        self.open.append(made)
        return made

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        return answer_of(self.connect(request(method, path, body, **headers)))

    def stay(self, count: int, path: str = "/v1/stay", key: str = "a") -> None:
        """Have so many requests under way."""
        for _ in range(count):
            self.connect(request("GET", path, Authorization=key))
        for _ in range(count):
            assert self.app.staying.acquire(timeout=LONG_S)


def holds(door: Door, count: int) -> bool:
    """Whether so many connections are held."""
    return len(door._held) == count


def until(holds: Callable[[], object]) -> None:
    """Let the server's threads work until something holds."""
    pause = threading.Event()
    for _ in range(LONG_S * 1_000):
        if holds():
            return
        pause.wait(0.001)
    raise AssertionError("it never came to hold")


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    given = {"Host": "127.0.0.1", "Connection": "close", **{name.replace("_", "-"): at for name, at in headers.items()}}
    if body:
        given.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def answer_of(connection: socket.socket) -> tuple[int, bytes]:
    """The status and body of the answer that comes; 0 where the connection ends without one."""
    said = b""
    with suppress(ConnectionResetError):
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    return (int(head.split()[1]) if head else 0), body


@pytest.fixture
def access(request: pytest.FixtureRequest, tmp_path: Path) -> AccessLog | None:
    """An access log, for those who ask for one."""
    return AccessLog(str(tmp_path / "access.jsonl")) if getattr(request, "param", False) else None


@pytest.fixture
def place(access: AccessLog | None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A door with a server around it; its parameter is how many ms a client may take nothing of an answer."""
    monkeypatch.setattr(serving, "UNREAD_DEADLINE_MS", getattr(request, "param", serving.UNREAD_DEADLINE_MS))
    app = App()
    ready: list[Any] = []
    up = threading.Event()

    async def serve() -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        door = Door(app, hosts=HostPolicy(on_loopback=True), port=port, limits=LIMITS, access=access)
        server = Server(door, port=port, interface=Interfaces.RSGI, http=HTTPModes.http1, websockets=False,
                        log_enabled=False)  # fmt: skip
        task = asyncio.create_task(server.serve())
        over = asyncio.Event()
        ready.extend((Place(app, door, port, asyncio.get_running_loop()), over))
        up.set()
        await over.wait()
        server.stop()  # type: ignore[no-untyped-call]
        with suppress(TimeoutError):
            await asyncio.wait_for(task, LONG_S)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert up.wait(LONG_S)
    made: Place = ready[0]
    while True:
        with suppress(ConnectionRefusedError):
            if made.ask("GET", "/-/health")[0] == 200:
                break
    app.seen.clear()
    yield made
    app.left.set()
    for connection in made.open:
        connection.close()
    made.loop.call_soon_threadsafe(ready[1].set)
    thread.join(LONG_S)


def test_a_whole_request_reaches_the_app_as_it_was_sent(place: Place) -> None:
    assert place.ask("POST", "/v1/loans/a%20b?x=1&y=%20", b"{}", X_Thing="one", Content_Type="application/json") == (
        200,
        b"done",
    )

    assert place.app.seen == [("POST", "/v1/loans/a b", b"{}")]
    told = place.app.headers
    assert (told["QUERY_STRING"], told["HTTP_X_THING"], told["CONTENT_TYPE"], told["CONTENT_LENGTH"]) == (
        "x=1&y=%20", "one", "application/json", "2",
    )  # fmt: skip
    assert (told["REMOTE_ADDR"], told["SERVER_PROTOCOL"], told["HTTP_HOST"]) == ("127.0.0.1", "HTTP/1.1", "127.0.0.1")


def test_an_address_that_is_not_escaped_reaches_the_app_as_its_bytes(place: Place) -> None:
    sent = "GET /v1/é?name=٣&\U0001f4b8=1".encode() + request("GET", "")[len("GET ") :]

    assert answer_of(place.connect(sent)) == (200, b"done")

    assert place.app.seen == [("GET", "/v1/é".encode().decode("latin-1"), b"")]
    assert place.app.headers["QUERY_STRING"].encode("latin-1").decode() == "name=٣&\U0001f4b8=1"


def test_a_header_that_comes_twice_is_joined_and_one_that_is_not_ascii_is_empty(place: Place) -> None:
    place.connect(request("GET", "/v1/loans").replace(b"\r\n\r\n", b"\r\nX-A: 1\r\nX-A: 2\r\nX-B: \xff\r\n\r\n"))
    place.ask("GET", "/v1/after")

    assert place.app.seen[0][1] == "/v1/loans"
    place.app.seen.clear()
    answer_of(place.connect(request("GET", "/v1/x").replace(b"\r\n\r\n", b"\r\nX-A: 1\r\nX-A: 2\r\nX-B: \xff\r\n\r\n")))
    assert (place.app.headers["HTTP_X_A"], place.app.headers["HTTP_X_B"]) == ("1,2", "")


def test_a_chunked_body_is_put_together(place: Place) -> None:
    chunks = b"2\r\n{}\r\n5\r\n     \r\n0\r\n\r\n"

    assert answer_of(place.connect(request("POST", "/v1/x", Transfer_Encoding="chunked") + chunks))[0] == 200

    assert place.app.seen == [("POST", "/v1/x", b"{}     ")]


@pytest.mark.parametrize(
    ("headers", "part"),
    [
        ({"Content_Length": "100"}, b""),
        ({"Content_Length": "100"}, b"{"),
        ({"Transfer_Encoding": "chunked"}, b""),
        ({"Transfer_Encoding": "chunked"}, b"2\r\n{}\r\n"),
        ({"Transfer_Encoding": "chunked"}, b"2\r\n{"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/borrowers", "/-/reset", "/-/rules/halt"])
@pytest.mark.parametrize("then", ["waits", "ends", "is reset"])
def test_an_incomplete_request_is_carried_out_by_nobody(
    place: Place, headers: dict[str, str], part: bytes, path: str, then: str
) -> None:
    connection = place.connect(request("POST", path, b"", **headers) + part)
    if then == "ends":
        connection.shutdown(socket.SHUT_WR)
    elif then == "is reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    if then != "is reset":
        status, body = answer_of(connection)
        code = {"waits": (408, "body_late"), "ends": (400, "body_incomplete")}[then]
        assert status == 0 or (status, json.loads(body)["code"]) == code

    assert place.ask("GET", "/v1/after")[0] == 200
    assert place.app.seen == [("GET", "/v1/after", b"")]


def test_a_body_that_is_late_is_told_so_and_the_connection_is_closed(place: Place) -> None:
    status, body = answer_of(place.connect(request("POST", "/v1/x", Content_Length="100", Connection="keep-alive")))

    assert (status, json.loads(body)["code"], json.loads(body)["expected"]) == (
        408, "body_late", "a whole body in 0.5 s",
    )  # fmt: skip


def test_half_sent_bodies_take_no_thread(place: Place) -> None:
    for _ in range(60):
        place.connect(request("POST", "/v1/x", Content_Length="100"))

    assert place.ask("POST", "/v1/x", b"{}")[0] == 200


def test_a_lane_with_too_many_waiting_is_refused_and_others_are_answered(place: Place) -> None:
    place.stay(4)
    for _ in range(4):
        place.connect(request("GET", "/v1/stay", Authorization="a"))
    until(lambda: place.door._clients.waiting == 4)

    status, body = place.ask("GET", "/v1/loans", Authorization="a")
    assert (status, json.loads(body)["code"]) == (429, "sandbox_busy")
    assert place.ask("GET", "/v1/loans", Authorization="b")[0] == 200
    assert place.ask("GET", "/-/rules", Authorization="a")[0] == 200


@pytest.mark.parametrize("key", ["a", "b"])
def test_health_and_halt_answer_when_all_threads_are_taken(place: Place, key: str) -> None:
    for lane in "ab":
        place.stay(4, key=lane)
        place.stay(2, "/-/stay", key=lane)

    assert place.ask("GET", "/-/health", Authorization=key)[0] == 200
    assert place.ask("POST", "/-/rules/halt", b"{}", Authorization=key)[0] == 200


def test_a_long_piece_of_control_work_leaves_room_for_other_sandboxes(place: Place) -> None:
    place.stay(2, "/-/stay", key="a")
    place.connect(request("POST", "/-/clock/advance", b"{}", Authorization="a"))

    assert place.ask("POST", "/-/clock/advance", b"{}", Authorization="b")[0] == 200


def test_an_answer_that_is_held_back_takes_no_thread(place: Place) -> None:
    place.app.hold_ms = 60_000
    for held in range(1, 61):
        place.connect(request("GET", "/v1/late", Authorization="a"))
        until(partial(holds, place.door, held))

    assert place.ask("GET", "/v1/loans", Authorization="a")[0] == 200


def test_an_answer_that_is_held_back_comes_when_it_is_time(place: Place) -> None:
    place.app.hold_ms = 20

    assert place.ask("GET", "/v1/late") == (200, b"done")


def test_a_door_that_stops_answers_what_is_under_way_and_nothing_else(place: Place) -> None:
    place.app.hold_ms = 60_000
    half = place.connect(request("POST", "/v1/x", Content_Length="100"))
    late = place.connect(request("GET", "/v1/late"))
    place.stay(1)
    under_way = place.open[-1]
    until(lambda: place.door._coming and place.door._held)

    drained = asyncio.run_coroutine_threadsafe(place.door.drained(), place.loop)

    assert answer_of(late) == (200, b"done")
    assert answer_of(half)[0] in (0, 503)
    status, body = place.ask("GET", "/v1/loans")
    assert (status, json.loads(body)["code"]) == (503, "server_stopping")
    assert not drained.done()
    place.app.left.set()
    drained.result(LONG_S)
    assert answer_of(under_way)[0] == 200


def test_what_breaks_beneath_the_app_is_a_500_and_costs_no_thread(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    for _ in range(10):
        assert place.ask("GET", "/v1/breaks")[0] == 500

    assert place.ask("GET", "/v1/loans")[0] == 200
    assert len(reported) == 10


def test_many_clients_at_once_are_all_answered(place: Place) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: place.ask("POST", "/v1/x", b"{}", Authorization=str(n)), range(400)))

    assert answers == [(200, b"done")] * 400


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example"}, "host_not_allowed"),
        ({"Host": "evil.example:8300", "Sec_Fetch_Site": "same-origin"}, "host_not_allowed"),
        ({"Sec_Fetch_Site": "cross-site"}, "cross_site"),
        ({"Origin": "http://127.0.0.1:1"}, "cross_site"),
    ],
)
def test_a_page_of_another_origin_gets_nothing_done(place: Place, headers: dict[str, str], code: str) -> None:
    status, body = place.ask("POST", "/-/reset", b"", **headers)

    assert (status, json.loads(body)["code"]) == ({"host_not_allowed": 421, "cross_site": 403}[code], code)
    assert place.app.seen == []


@pytest.mark.parametrize("access", [True], indirect=True)
def test_the_access_log_has_a_line_for_each_request_also_for_those_that_are_refused_here(
    place: Place, access: AccessLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    place.app.hold_ms = 60
    secrets = {"Authorization": "Bearer mk_topsecret", "X_Mocklend_Control": "topsecret"}
    place.ask("GET", "/v1/loans?limit=5&api_key=topsecret&mk_topsecret=1", b"", **secrets)
    place.ask("GET", "/v1/mk_topsecret/late")
    place.ask("GET", "/v1/breaks")
    place.ask("POST", "/-/reset", Host="evil.example")
    place.ask("POST", "/-/reset", Origin="http://evil.example")
    answer_of(place.connect(request("POST", "/v1/slow", Content_Length="9")))
    half = place.connect(request("POST", "/v1/half", Content_Length="9") + b"{")
    half.shutdown(socket.SHUT_WR)
    answer_of(half)
    place.stay(4)
    waiting = [place.connect(request("GET", "/v1/stay", Authorization="a")) for _ in range(4)]
    until(lambda: place.door._clients.waiting == 4)
    place.ask("GET", "/v1/busy", Authorization="a")
    place.app.left.set()
    for connection in (*place.open[-5:-1], *waiting):
        answer_of(connection)
    asyncio.run_coroutine_threadsafe(place.door.drained(), place.loop).result(LONG_S)
    place.ask("GET", "/v1/stopping")
    access.close()

    text = (tmp_path / "access.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    seen = [
        (line["method"], line["path"], line["status"])
        for line in lines
        if line["path"] not in ("/v1/stay", "/-/health")
    ]
    assert seen == [
        ("GET", "/v1/loans", 200), ("GET", "/v1/***", 200), ("GET", "/v1/breaks", 500), ("POST", "/-/reset", 421),
        ("POST", "/-/reset", 403), ("POST", "/v1/slow", 408), ("POST", "/v1/half", 400), ("GET", "/v1/busy", 429),
        ("GET", "/v1/stopping", 503),
    ]  # fmt: skip
    assert sum(line["path"] == "/v1/stay" for line in lines) == 8
    assert "topsecret" not in text
    loans, late, _, wrong_host, *_ = (line for line in lines if line["path"] != "/-/health")
    assert set(loans) == {
        "time", "request_id", "method", "path", "query", "status", "duration_ms", "sandbox", "client", "bytes",
    }  # fmt: skip
    assert (loans["query"], loans["sandbox"], loans["request_id"], loans["bytes"], loans["client"]) == (
        "limit,api_key,***", "sbx_1", "req_1", 4, "127.0.0.1",
    )  # fmt: skip
    assert late["duration_ms"] >= 60
    assert (wrong_host["sandbox"], wrong_host["request_id"], wrong_host["query"]) == (None, None, None)
    assert wrong_host["bytes"] > 100


# --- what is answered on the loop ---


class OnLoop:
    """Answers `/v1/hot/…` itself: at once, later from a thread, or not after all."""

    def __init__(self) -> None:
        self.later: list[Callable[[], None]] = []

    def __call__(self, asked: Asked, respond: Respond, give_back: Callable[[], None]) -> Outcome:
        def answer() -> None:
            respond(202, [("content-type", "text/plain")], b"hot", "sbx_a")

        match asked.path:
            case "/v1/hot/now":
                answer()
                return Outcome.ANSWERED
            case "/v1/hot/later":
                self.later.append(answer)
            case "/v1/hot/back":
                self.later.append(give_back)
            case _:
                return Outcome.NOT_TAKEN
        return Outcome.ANSWERED_LATER


@pytest.fixture
def hot(place: Place) -> OnLoop:
    made = OnLoop()
    place.door._hot = made
    return made


@pytest.mark.parametrize("access", [True], indirect=True)
def test_a_hot_path_answers_at_once_and_leaves_the_rest_to_the_app(
    place: Place, access: AccessLog, hot: OnLoop, tmp_path: Path
) -> None:
    assert place.ask("GET", "/v1/hot/now") == (202, b"hot")
    assert place.ask("GET", "/v1/cold") == (200, b"done")

    assert [path for _, path, _ in place.app.seen] == ["/v1/cold"]
    access.close()
    logged = [json.loads(line) for line in (tmp_path / "access.jsonl").read_text().splitlines()]
    told = [(one["path"], one["status"], one["sandbox"]) for one in logged if one["path"] == "/v1/hot/now"]
    assert told == [("/v1/hot/now", 202, "sbx_a")]


def test_a_hot_path_answers_later_or_gives_back_and_a_server_that_stops_waits_for_it(place: Place, hot: OnLoop) -> None:
    later, back = place.connect(request("POST", "/v1/hot/later")), place.connect(request("POST", "/v1/hot/back"))
    until(lambda: len(hot.later) == 2)
    stopping = asyncio.run_coroutine_threadsafe(place.door.drained(), place.loop)
    assert not stopping.done()

    with ThreadPoolExecutor(1) as writer:
        for answer in hot.later:
            writer.submit(answer).result(LONG_S)

    assert answer_of(later) == (202, b"hot")
    assert answer_of(back) == (200, b"done")
    stopping.result(LONG_S)


# --- long bodies ---


SCORES = "/-/scores"


def under_way(place: Place, key: str, length: int = 100_000) -> socket.socket:
    """A long body of which the first byte has come."""
    return place.connect(request("POST", SCORES, b" ", Authorization=key, Content_Length=str(length)))


def test_only_so_many_long_bodies_are_under_way_of_one_sandbox_and_of_all(place: Place) -> None:
    place.door._body_deadline_s = LONG_S
    opened = [under_way(place, key) for key in "aabbccdd"]
    until(lambda: place.door._long.total() == 8)

    place.door._body_deadline_s = 0.1
    same = answer_of(under_way(place, "a"))
    other = answer_of(under_way(place, "e"))
    short = place.ask("POST", SCORES, b"{}", Authorization="a")

    assert (same[0], json.loads(same[1])["code"]) == (429, "sandbox_busy")
    assert (other[0], json.loads(other[1])["code"]) == (503, "busy")
    assert short[0] == 200
    assert place.ask("GET", "/-/health")[0] == 200
    for connection in opened:
        connection.close()
    until(lambda: not place.door._long)
    assert place.ask("POST", SCORES, b" " * 100_000, Authorization="e")[0] == 200
    until(lambda: not place.door._long)


def test_who_finds_no_room_for_a_long_body_waits_for_some(place: Place) -> None:
    place.door._body_deadline_s = LONG_S
    first, _ = under_way(place, "a"), under_way(place, "a")
    until(lambda: place.door._long.total() == 2)
    waits = place.connect(request("POST", SCORES, b" " * 100_000, Authorization="a"))

    first.close()

    assert answer_of(waits)[0] == 200


def test_a_long_body_in_chunks_needs_room_too(place: Place) -> None:
    place.door._body_deadline_s = LONG_S
    for _ in range(2):
        place.connect(request("POST", SCORES, Authorization="a", Transfer_Encoding="chunked") + b"1\r\n \r\n")
    until(lambda: place.door._long.total() == 2)

    place.door._body_deadline_s = 0.1
    status, body = answer_of(under_way(place, "a"))

    assert (status, json.loads(body)["code"]) == (429, "sandbox_busy")


# --- long answers ---


def resident_mb() -> int:
    """How much memory this process has, in MB."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() // 1024**2


@pytest.mark.parametrize("path", ["/v1/long", "/-/long"])
def test_a_long_answer_comes_whole_and_says_how_long_it_is(place: Place, path: str) -> None:
    connection = place.connect(request("GET", path))

    said = b"".join(iter(lambda: connection.recv(65536), b""))

    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert f"content-length: {4 * 1024**2}".encode() in head.lower()
    assert body == b"x" * 4 * 1024**2


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is looked up as Linux tells it")
def test_readers_that_do_not_read_hold_no_memory_and_no_thread(place: Place) -> None:
    place.app.long_mb = 64
    place.ask("GET", "/v1/long")
    before_mb = resident_mb()

    for n in range(4):
        connection = place.connect(request("GET", "/v1/long", Authorization=f"reader-{n}"))
        assert connection.recv(12) == b"HTTP/1.1 200"
    until(lambda: place.door._clients.running == 0)

    assert resident_mb() - before_mb < 64
    assert place.ask("GET", "/v1/loans")[0] == 200


def test_a_long_answer_that_is_held_back_comes_whole_too(place: Place) -> None:
    honest = place.app.__class__.__call__

    def late(app: App, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[HOLD] = 50
        return honest(app, environ, start_response)

    place.door._app = partial(late, place.app)

    status, body = place.ask("GET", "/v1/long")

    assert (status, len(body)) == (200, 4 * 1024**2)


def test_an_answer_for_which_there_is_no_room_is_refused(place: Place) -> None:
    status, body = place.ask("GET", "/v1/no-room")

    assert (status, json.loads(body)["code"]) == (503, "unavailable")


@pytest.mark.parametrize("access", [True], indirect=True)
def test_a_long_answer_is_in_the_access_log_with_its_length(place: Place, access: AccessLog, tmp_path: Path) -> None:
    place.ask("GET", "/v1/long")

    access.close()

    line = json.loads((tmp_path / "access.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (line["path"], line["bytes"]) == ("/v1/long", 4 * 1024**2)


def taken(port: int) -> int:
    """How many connections the server has with clients that are there."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(int(line[1].split(":")[1], 16) == port and line[3] == "01" for line in lines)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system does not drop who does not read")
@pytest.mark.parametrize("place", [1_000], indirect=True)
def test_a_reader_that_does_not_read_is_dropped_and_one_that_does_is_not(place: Place) -> None:
    place.app.long_mb = 256
    reads = place.connect(request("GET", "/v1/long"))
    place.connect(request("GET", "/v1/long"))
    until(lambda: taken(place.port) == 2)
    got = 0

    def one_is_left() -> bool:
        nonlocal got
        got += len(reads.recv(65536))
        return taken(place.port) == 1

    until(one_is_left)

    assert got < 192 * 1024**2  # It is the other one that is gone: this one has more to come than anything holds.
    got += sum(len(part) for part in iter(lambda: reads.recv(65536), b""))
    assert got > 256 * 1024**2
