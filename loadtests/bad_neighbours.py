"""Measures whether a sandbox that misbehaves disturbs another one: ten ways to misbehave, one after another.

        bad sandbox      half-sent bodies, latency, a long advance, dripping receivers, a fast clock, an endless
                         pattern, large bodies, an unread export, open connections, a storm of requests
        good sandbox     100 status queries per second, and one wallet payment after the other
        operator         polls health, and sends SIGTERM in the end

Each way has a server of its own on loopback. It passes if the good sandbox's p99 is below 50 ms with no failed request,
its payments settle at most a second late, health answers within 100 ms, and SIGTERM ends the server with code 0 within
the deadline.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import requests
from latency import percentile
from raw_client import RawClient, request
from server import Server
from tool import NotRun, concluded, number

from mocklend.client import Doc
from mocklend.domain.finding import FINDINGS_MAX
from mocklend.exit_codes import ExitCode

SECONDS = 6.0
RATE = 100
P99_MS_MAX = 50.0
SETTLES_LATE_S_MAX = 1.0
HEALTH_MS_MAX = 100.0
GETS_GOING_WITHIN_S = 60.0
ENDS_S_MAX = 30.0
WALLET_S = 2.0
"""How long a wallet payment takes on an idle server, in seconds."""
PATTERN, LETTERS = "a?" * 60 + "a" * 60, "a" * 60


class Sandbox:
    """A sandbox of a server, and the requests of its client."""

    def __init__(self, url: str, seed: int, clock: Mapping[str, object]) -> None:
        self.url = url
        created = requests.post(f"{url}/-/sandboxes", json={"seed": seed, "clock": clock}, timeout=30)
        created.raise_for_status()
        self.headers = {"Authorization": f"Bearer {created.json()['api_key']}"}
        self.borrower = self.post("/v1/borrowers", reference="b", name="B", credit_limit_minor=10**12)["id"]

    def post(self, path: str, **body: object) -> Doc:
        """Send a POST that has to succeed. Returns its JSON document."""
        headers = {**self.headers, "Idempotency-Key": uuid.uuid4().hex}
        answer = requests.post(f"{self.url}{path}", json=body, headers=headers, timeout=90)
        answer.raise_for_status()
        document: Doc = answer.json()
        return document

    def borrow(self, **more: object) -> str:
        """Borrow a loan. Returns its id."""
        options = {"borrower_id": self.borrower, "principal_minor": 100_000, "product_id": "jiebei-like"} | more
        if "product" in options:
            del options["product_id"]
        return str(self.post("/v1/loans", **options)["id"])

    def run_clock(self, speed: int) -> None:
        """Let its clock run `speed` times as fast as real time."""
        body = {"mode": "wall", "speed": speed}
        requests.put(f"{self.url}/-/clock", json=body, headers=self.headers, timeout=30).raise_for_status()

    def arm(self, fault: str, **rule: object) -> requests.Response:
        """Arm a fault. Returns the answer."""
        body = {"fault": fault, **rule}
        return requests.put(f"{self.url}/-/rules/r", json=body, headers=self.headers, timeout=30)


MANUAL = {"mode": "manual", "now": "2026-01-05T02:00:00Z"}
WALL = {"mode": "wall"}


# --- ten ways to misbehave; each starts its requests and returns ---


@dataclass
class BadClient:
    """The connections, threads and webhook receivers of a client that misbehaves, until `over` is set."""

    url: str
    closing: ExitStack
    over: threading.Event = field(default_factory=threading.Event)

    def open(self, sent: bytes, receive_buffer: int | None = None) -> socket.socket:
        """Open a connection, send these bytes, and read nothing."""
        parts = urlsplit(self.url)
        connection = socket.socket()
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(30)
        self.closing.enter_context(connection)
        connection.connect((parts.hostname, parts.port))
        connection.sendall(sent)
        return connection

    def keep_doing(self, act: Callable[[], object], threads: int = 1) -> None:
        """Call `act` repeatedly on this many threads until `over` is set."""

        def loop() -> None:
            while not self.over.is_set():
                try:
                    act()
                except (OSError, requests.RequestException):
                    self.over.wait(0.05)

        for _ in range(threads):
            threading.Thread(target=loop, daemon=True).start()

    def receiver(self, answer: Callable[[socket.socket], object]) -> str:
        """Start a webhook receiver that answers with `answer`. Returns its address."""
        listening = self.closing.enter_context(socket.create_server(("127.0.0.1", 0), backlog=256))

        def serve(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                connection.recv(65536)
                answer(connection)

        def loop() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"


def nothing(_: BadClient) -> None:
    """Do nothing: this measures the machine itself."""


def half_sent_bodies(bad_client: BadClient) -> None:
    """300 requests, each with one byte of a body of 100 bytes."""
    head = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": "100"}
    for _ in range(300):
        bad_client.open(request("POST", "/v1/borrowers", head) + b"{")


def latency(bad_client: BadClient) -> None:
    """300 requests that a rule delays by a minute."""
    bad = Sandbox(bad_client.url, 1, MANUAL)
    bad.arm("transport.latency", **{"with": {"delay_ms": 60_000}}).raise_for_status()
    for _ in range(300):
        bad_client.open(request("GET", "/v1/products", {"Host": "127.0.0.1", **bad.headers}))


def long_advance(bad_client: BadClient) -> None:
    """A request that moves a clock by centuries, and 260 more that want to move it."""
    bad = Sandbox(bad_client.url, 1, MANUAL)
    for _ in range(30):
        bad.borrow()
    head = {"Host": "127.0.0.1", **bad.headers}
    bad_client.open(request("POST", "/-/clock/advance", head, {"to": "2900-01-01T00:00:00Z"}))
    for _ in range(260):
        bad_client.open(request("POST", "/-/clock/advance", head, {"by": 1}))


def dripping_receivers(bad_client: BadClient) -> None:
    """A webhook receiver that sends its answer byte by byte, and 40 events for it."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
        while not bad_client.over.wait(1):
            connection.sendall(b"a")

    bad = Sandbox(bad_client.url, 1, WALL)
    bad.post("/v1/webhook-endpoints", url=bad_client.receiver(drip))
    for _ in range(40):
        bad.borrow()


def fast_clock(bad_client: BadClient) -> None:
    """A clock that runs a day per second, with 250 loans that are debited daily."""
    bad = Sandbox(bad_client.url, 1, {"mode": "wall", "now": "2026-01-05T02:00:00Z", "speed": 1})
    daily = {"method": "equal_instalment", "terms": 360, "term_unit": "day", "rate": "0.24"}
    for _ in range(250):
        bad.borrow(product=daily, principal_minor=1_000_000, auto_debit=True)
    bad.run_clock(86_400)


def endless_pattern(bad_client: BadClient) -> None:
    """A rule whose pattern takes exponential time in a backtracking engine, and requests that are matched with it."""
    bad = Sandbox(bad_client.url, 1, MANUAL)
    bad.arm("transport.latency", match={"entity": {"matches": PATTERN}}, **{"with": {"delay_ms": 1}})
    headers = {**bad.headers, "Idempotency-Key": LETTERS}
    bad_client.keep_doing(
        lambda: requests.post(
            f"{bad_client.url}/v1/borrowers", json={"reference": "x", "name": "X"}, headers=headers, timeout=60
        ),
        2,
    )


def large_bodies(bad_client: BadClient) -> None:
    """Four clients that report the highest allowed number of findings, 14 MB, again and again."""
    bad = Sandbox(bad_client.url, 1, MANUAL)
    finding = b'{"class":"stale_view","entity":"loan_aaaaaaaaaaaaaaaaaaaa","amount_minor":1,"detail":"%s"}' % (
        b"x" * 200
    )
    body = b'{"findings":[' + b",".join([finding] * FINDINGS_MAX) + b"]}"
    headers = {**bad.headers, "Content-Type": "application/json"}
    bad_client.keep_doing(
        lambda: requests.post(f"{bad_client.url}/-/scores", data=body, headers=headers, timeout=120), 4
    )


def unread_export(bad_client: BadClient) -> None:
    """Twenty clients that request the whole answer key and read nothing of it, while it grows."""
    bad = Sandbox(bad_client.url, 1, MANUAL)
    bad.arm("cache.bounded_stale", **{"with": {"lag_s": 60}}).raise_for_status()
    for _ in range(60):
        bad.borrow()
    head = {"Host": "127.0.0.1", **bad.headers}
    for _ in range(20):
        bad_client.open(request("GET", "/-/answer-key?format=jsonl", head), receive_buffer=1024)
    bad_client.keep_doing(bad.borrow)


def open_connections(bad_client: BadClient) -> None:
    """2,000 connections without a request."""
    for _ in range(2_000):
        bad_client.open(b"")


def request_storm(bad_client: BadClient) -> None:
    """64 clients that order repayments and read status pages as fast as they can.

    They share one thread, so that they do not take the processor from the measuring process.
    """
    bad = Sandbox(bad_client.url, 1, WALL)
    loan = bad.borrow(principal_minor=10**7)
    parts = urlsplit(bad_client.url)
    head = {"Host": "127.0.0.1", **bad.headers}
    status_query = request("GET", f"/v1/loans/{loan}", head)
    order = {"amount_minor": 1, "channel": "wallet", "type": "OVD_AND_CURRENT"}

    async def client(raw: RawClient) -> None:
        while not bad_client.over.is_set():
            await raw.ask(status_query)
            key = {"Idempotency-Key": uuid.uuid4().hex}
            await raw.ask(request("POST", f"/v1/loans/{loan}/repayments", head | key, order))

    async def clients() -> None:
        raw = RawClient(str(parts.hostname), parts.port or 80)
        await asyncio.gather(*(client(raw) for _ in range(64)))
        raw.close()

    threading.Thread(target=lambda: asyncio.run(clients()), daemon=True).start()


WAYS: dict[str, Callable[[BadClient], None]] = {
    way.__name__: way
    for way in (
        nothing, half_sent_bodies, latency, long_advance, dripping_receivers, fast_clock, endless_pattern, large_bodies,
        unread_export, open_connections, request_storm,
    )
}  # fmt: skip


# --- the effect on the good sandbox and on the operator ---


@dataclass
class Impact:
    """The effect of one way on others, and which bounds it breaks. Times end in their units."""

    way: str
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    failed: int = 0
    settled: int = 0
    settles_late_s: float = 0.0
    health_ms: float = 0.0
    ends_s: float = 0.0
    exit_code: int = 0
    why: dict[str, int] = field(default_factory=dict)

    @property
    def wrong(self) -> list[str]:
        """The bounds that do not hold, as sentences."""
        bounds = {
            "a request failed": self.failed > 0,
            f"p99 above {P99_MS_MAX:g} ms": self.p99_ms > P99_MS_MAX,
            "no payment settled": self.settled == 0,
            f"payments late by more than {SETTLES_LATE_S_MAX:g} s": self.settles_late_s > SETTLES_LATE_S_MAX,
            f"health above {HEALTH_MS_MAX:g} ms": self.health_ms > HEALTH_MS_MAX,
            f"SIGTERM took more than {ENDS_S_MAX:g} s": self.ends_s > ENDS_S_MAX,
            "exit code is not 0": self.exit_code != 0,
        }
        return [bound for bound, is_broken in bounds.items() if is_broken]


async def ask_for_status(impact: Impact, good: Sandbox, loan: str, seconds: float) -> None:
    """Send status queries at a fixed rate, whether earlier ones are answered or not."""
    parts = urlsplit(good.url)
    raw = RawClient(str(parts.hostname), parts.port or 80)
    status_query = request("GET", f"/v1/loans/{loan}", {"Host": "127.0.0.1", **good.headers})
    start, took = time.perf_counter(), []

    async def send(n: int) -> None:
        due = start + n / RATE
        await asyncio.sleep(due - time.perf_counter())
        if await raw.ask(status_query) == 200:
            took.append((time.perf_counter() - due) * 1000)
        else:
            impact.failed += 1

    await asyncio.gather(*(send(n) for n in range(int(RATE * seconds))))
    raw.close()
    impact.why = dict(raw.why)
    took.sort()
    if took:
        impact.p50_ms, impact.p99_ms = percentile(took, 0.5), percentile(took, 0.99)


def pay(impact: Impact, good: Sandbox, loan: str, until_s: float) -> None:
    """Make wallet payments, one after another, and measure how late each settles."""
    while time.monotonic() + WALLET_S < until_s:
        began = time.monotonic()
        with suppress(requests.RequestException):
            path = f"/v1/loans/{loan}/repayments"
            id = good.post(path, amount_minor=100, channel="wallet", type="OVD_AND_CURRENT")["id"]
            while time.monotonic() - began < 30:
                answer = requests.get(f"{good.url}/v1/repayments/{id}", headers=good.headers, timeout=30)
                if answer.json().get("status") == "S":
                    impact.settled += 1
                    break
                time.sleep(0.05)
        impact.settles_late_s = max(impact.settles_late_s, time.monotonic() - began - WALLET_S)


def ask_for_health(impact: Impact, url: str, until_s: float) -> None:
    """Query health five times per second, on a new connection each time."""
    while time.monotonic() < until_s:
        began = time.monotonic()
        try:
            ok = requests.get(f"{url}/-/health", timeout=10).status_code == 200
        except requests.RequestException:
            ok = False
        impact.health_ms = max(impact.health_ms, (time.monotonic() - began) * 1000 if ok else 10_000)
        time.sleep(0.2)


@contextmanager
def misbehaving(way: Callable[[BadClient], None], url: str) -> Iterator[None]:
    """Misbehave for the duration of the block, in another process with a lower priority.

    So it does not take the processor from the server and from the measuring process.
    """
    ours, theirs = multiprocessing.Pipe()
    bad = multiprocessing.get_context("fork").Process(target=_misbehave, args=(way, url, theirs), daemon=True)
    bad.start()
    theirs.close()
    try:
        if not ours.poll(GETS_GOING_WITHIN_S):
            raise NotRun(f"{way.__name__} did not start")
        ours.recv()
        yield
    except EOFError:
        raise NotRun(f"{way.__name__} failed to start") from None
    finally:
        with suppress(OSError):
            ours.send("over")
        bad.join(5)
        bad.kill()


def _misbehave(way: Callable[[BadClient], None], url: str, parent: Connection) -> None:
    os.nice(5)
    with ExitStack() as closing:
        bad_client = BadClient(url, closing)
        way(bad_client)
        parent.send("started")
        with suppress(EOFError):
            parent.recv()
        bad_client.over.set()


def measure(name: str, folder: Path, seconds: float) -> Impact:
    """Start a server, misbehave in one way, and measure the effect on others."""
    impact = Impact(name)
    server = Server(str(folder / f"{name}.db"), folder / f"{name}.log")
    try:
        good = Sandbox(server.url, 2, WALL)
        loan = good.borrow()
        with misbehaving(WAYS[name], server.url):
            time.sleep(1)
            until_s = time.monotonic() + seconds
            others = [
                threading.Thread(target=pay, args=(impact, good, loan, until_s)),
                threading.Thread(target=ask_for_health, args=(impact, server.url, until_s)),
            ]
            for thread in others:
                thread.start()
            asyncio.run(ask_for_status(impact, good, loan, seconds))
            for thread in others:
                thread.join()
            began = time.monotonic()
            impact.exit_code = server.stop()
            impact.ends_s = time.monotonic() - began
    finally:
        server.kill()
    return impact


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Run the named ways, or all, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("way", nargs="*", help=f"of {', '.join(WAYS)} (default: all of them)")
    parser.add_argument("--seconds", type=number(4, 600), default=SECONDS, help="how long each way lasts")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.way if name not in WAYS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(WAYS)}")
    return concluded(lambda: run_ways(options.way or list(WAYS), options.seconds, options.json), as_json=options.json)


def run_ways(ways: list[str], seconds: float, as_json: bool) -> ExitCode:
    """Run these ways, print the results, and return the verdict."""
    observed: list[Impact] = []
    with tempfile.TemporaryDirectory(prefix="mocklend-neighbours-") as folder:
        for name in ways:
            observed.append(measure(name, Path(folder), seconds))
            if not as_json:
                print(row(observed[-1]), flush=True)
    verdict = judged(observed)
    if as_json:
        ways_json = [asdict(impact) | {"wrong": impact.wrong} for impact in observed]
        print(json.dumps({"verdict": verdict.name, "ways": ways_json}))
    else:
        print(verdict.name)
    return verdict


def judged(observed: list[Impact]) -> ExitCode:
    """PASS if every bound holds; INCONCLUSIVE if one is broken though nobody misbehaves; else FAIL."""
    if not any(impact.wrong for impact in observed):
        return ExitCode.PASS
    alone = next((impact for impact in observed if impact.way == nothing.__name__), None)
    return ExitCode.INCONCLUSIVE if alone is not None and alone.wrong else ExitCode.FAIL


def row(impact: Impact) -> str:
    """One line of the table."""
    return (
        f"{impact.way:20} p50 {impact.p50_ms:6.1f} ms  p99 {impact.p99_ms:7.1f} ms  failed {impact.failed:3}  "
        f"settled {impact.settled:2}, late by {impact.settles_late_s:4.1f} s  health {impact.health_ms:6.1f} ms  "
        f"ended in {impact.ends_s:4.1f} s with {impact.exit_code}  {'; '.join(impact.wrong) or 'holds'}"
    )


if __name__ == "__main__":
    sys.exit(main())
