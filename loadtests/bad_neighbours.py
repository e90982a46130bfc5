"""May one sandbox disturb another? Ten ways to misbehave, one after another, and what a neighbour notices of each.

        one sandbox      half-sent bodies, latency, a long advance, dripping receivers, a fast clock, an endless
                         pattern, large bodies, an unread export, open connections, a storm of requests
        its neighbour    100 status queries a second, a wallet payment after another
        an operator      asks for health, and sends SIGTERM in the end

Each way has a server of its own on loopback. It holds if the neighbour's p99 is below 50 ms with none failed, its
payments settle within a second of their time, health answers within 100 ms, and SIGTERM ends the server with code 0
within the deadline.
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from latency import percentile
from raw_client import RawClient, request
from server import Server
from tool import NotRun, concluded, number

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
"""So long a wallet payment takes when nobody disturbs."""
PATTERN, LETTERS = "a?" * 60 + "a" * 60, "a" * 60


class Sandbox:
    """A sandbox of a server, with what a client of it does."""

    def __init__(self, url: str, seed: int, clock: dict[str, Any]) -> None:
        self.url = url
        made = requests.post(f"{url}/-/sandboxes", json={"seed": seed, "clock": clock}, timeout=30)
        made.raise_for_status()
        self.headers = {"Authorization": f"Bearer {made.json()['api_key']}"}
        self.borrower = self.post("/v1/borrowers", reference="b", name="B", credit_limit_minor=10**12)["id"]

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """A POST that has to succeed."""
        headers = {**self.headers, "Idempotency-Key": uuid.uuid4().hex}
        answer = requests.post(f"{self.url}{path}", json=body, headers=headers, timeout=90)
        answer.raise_for_status()
        done: dict[str, Any] = answer.json()
        return done

    def borrow(self, **more: Any) -> str:
        """A loan's id."""
        options = {"borrower_id": self.borrower, "principal_minor": 100_000, "product_id": "jiebei-like"} | more
        if "product" in options:
            del options["product_id"]
        return str(self.post("/v1/loans", **options)["id"])

    def run_clock(self, speed: int) -> None:
        """Let its clock run on, so many times as fast as real time."""
        body = {"mode": "wall", "speed": speed}
        requests.put(f"{self.url}/-/clock", json=body, headers=self.headers, timeout=30).raise_for_status()

    def arm(self, fault: str, **rule: Any) -> requests.Response:
        """The answer to a rule."""
        body = {"fault": fault, **rule}
        return requests.put(f"{self.url}/-/rules/r", json=body, headers=self.headers, timeout=30)


MANUAL = {"mode": "manual", "now": "2026-01-05T02:00:00Z"}
WALL = {"mode": "wall"}


# --- ten ways to misbehave; each is under way inside its block ---


@dataclass
class Troubles:
    """What a way may use, and leaves behind to be cleaned up."""

    url: str
    closing: ExitStack
    over: threading.Event = field(default_factory=threading.Event)

    def open(self, sent: bytes, receive_buffer: int | None = None) -> socket.socket:
        """A connection on which something was sent, and nothing is read."""
        parts = urlsplit(self.url)
        made = socket.socket()
        if receive_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.settimeout(30)
        self.closing.enter_context(made)
        made.connect((parts.hostname, parts.port))
        made.sendall(sent)
        return made

    def keep_doing(self, act: Callable[[], object], times: int = 1) -> None:
        """Do something again and again, on so many threads, until it is over."""

        def loop() -> None:
            while not self.over.is_set():
                try:
                    act()
                except (OSError, requests.RequestException):
                    self.over.wait(0.05)

        for _ in range(times):
            threading.Thread(target=loop, daemon=True).start()

    def receiver(self, answer: Callable[[socket.socket], object]) -> str:
        """The address of a webhook receiver that answers in its own way."""
        listening = self.closing.enter_context(socket.create_server(("127.0.0.1", 0), backlog=256))

        def one(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                connection.recv(65536)
                answer(connection)

        def loop() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=one, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"


def nothing(_: Troubles) -> None:
    """Nobody misbehaves: what the machine is capable of."""


def half_sent_bodies(troubles: Troubles) -> None:
    """300 requests whose bodies do not come."""
    head = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": "100"}
    for _ in range(300):
        troubles.open(request("POST", "/v1/borrowers", head) + b"{")


def latency(troubles: Troubles) -> None:
    """300 requests that a rule holds back for a minute."""
    bad = Sandbox(troubles.url, 1, MANUAL)
    bad.arm("transport.latency", **{"with": {"delay_ms": 60_000}}).raise_for_status()
    for _ in range(300):
        troubles.open(request("GET", "/v1/products", {"Host": "127.0.0.1", **bad.headers}))


def long_advance(troubles: Troubles) -> None:
    """A clock that is moved by centuries, and 260 more who want to move it."""
    bad = Sandbox(troubles.url, 1, MANUAL)
    for _ in range(30):
        bad.borrow()
    head = {"Host": "127.0.0.1", **bad.headers}
    troubles.open(request("POST", "/-/clock/advance", head, {"to": "2900-01-01T00:00:00Z"}))
    for _ in range(260):
        troubles.open(request("POST", "/-/clock/advance", head, {"by": 1}))


def dripping_receivers(troubles: Troubles) -> None:
    """A webhook receiver that sends its answer byte by byte, and 40 events for it."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
        while not troubles.over.wait(1):
            connection.sendall(b"a")

    bad = Sandbox(troubles.url, 1, WALL)
    bad.post("/v1/webhook-endpoints", url=troubles.receiver(drip))
    for _ in range(40):
        bad.borrow()


def fast_clock(troubles: Troubles) -> None:
    """A day a second, with 250 loans that are debited daily."""
    bad = Sandbox(troubles.url, 1, {"mode": "wall", "now": "2026-01-05T02:00:00Z", "speed": 1})
    daily = {"method": "equal_instalment", "terms": 360, "term_unit": "day", "rate": "0.24"}
    for _ in range(250):
        bad.borrow(product=daily, principal_minor=1_000_000, auto_debit=True)
    bad.run_clock(86_400)


def endless_pattern(troubles: Troubles) -> None:
    """A rule whose pattern takes for ever in an engine that tries all ways, and requests that meet it."""
    bad = Sandbox(troubles.url, 1, MANUAL)
    bad.arm("transport.latency", match={"entity": {"matches": PATTERN}}, **{"with": {"delay_ms": 1}})
    headers = {**bad.headers, "Idempotency-Key": LETTERS}
    troubles.keep_doing(
        lambda: requests.post(
            f"{troubles.url}/v1/borrowers", json={"reference": "x", "name": "X"}, headers=headers, timeout=60
        ),
        2,
    )


def large_bodies(troubles: Troubles) -> None:
    """Four clients that hand in as many findings as are taken, 14 MB, again and again."""
    bad = Sandbox(troubles.url, 1, MANUAL)
    finding = b'{"class":"stale_view","entity":"loan_aaaaaaaaaaaaaaaaaaaa","amount_minor":1,"detail":"%s"}' % (
        b"x" * 200
    )
    body = b'{"findings":[' + b",".join([finding] * FINDINGS_MAX) + b"]}"
    headers = {**bad.headers, "Content-Type": "application/json"}
    troubles.keep_doing(lambda: requests.post(f"{troubles.url}/-/scores", data=body, headers=headers, timeout=120), 4)


def unread_export(troubles: Troubles) -> None:
    """Twenty readers who ask for a whole answer key and read nothing of it, while it grows."""
    bad = Sandbox(troubles.url, 1, MANUAL)
    bad.arm("cache.bounded_stale", **{"with": {"lag_s": 60}}).raise_for_status()
    for _ in range(60):
        bad.borrow()
    head = {"Host": "127.0.0.1", **bad.headers}
    for _ in range(20):
        troubles.open(request("GET", "/-/answer-key?format=jsonl", head), receive_buffer=1024)
    troubles.keep_doing(bad.borrow)


def open_connections(troubles: Troubles) -> None:
    """2,000 connections on which nothing is asked."""
    for _ in range(2_000):
        troubles.open(b"")


def request_storm(troubles: Troubles) -> None:
    """64 clients that order repayments and ask for pages as fast as they can. On one thread: it must not starve us."""
    bad = Sandbox(troubles.url, 1, WALL)
    loan = bad.borrow(principal_minor=10**7)
    parts = urlsplit(troubles.url)
    head = {"Host": "127.0.0.1", **bad.headers}
    page = request("GET", f"/v1/loans/{loan}", head)
    order = {"amount_minor": 1, "channel": "wallet", "type": "OVD_AND_CURRENT"}

    async def client(line: RawClient) -> None:
        while not troubles.over.is_set():
            await line.ask(page)
            key = {"Idempotency-Key": uuid.uuid4().hex}
            await line.ask(request("POST", f"/v1/loans/{loan}/repayments", head | key, order))

    async def clients() -> None:
        line = RawClient(str(parts.hostname), parts.port or 80)
        await asyncio.gather(*(client(line) for _ in range(64)))
        line.close()

    threading.Thread(target=lambda: asyncio.run(clients()), daemon=True).start()


WAYS: dict[str, Callable[[Troubles], None]] = {
    way.__name__: way
    for way in (
        nothing, half_sent_bodies, latency, long_advance, dripping_receivers, fast_clock, endless_pattern, large_bodies,
        unread_export, open_connections, request_storm,
    )
}  # fmt: skip


# --- what the neighbour and the operator notice ---


@dataclass
class Impact:
    """What others notice of one way, and what is too much of it."""

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
        """Which bounds do not hold."""
        bounds = {
            "a request failed": self.failed > 0,
            f"p99 above {P99_MS_MAX:g} ms": self.p99_ms > P99_MS_MAX,
            "no payment settled": self.settled == 0,
            f"payments late by more than {SETTLES_LATE_S_MAX:g} s": self.settles_late_s > SETTLES_LATE_S_MAX,
            f"health above {HEALTH_MS_MAX:g} ms": self.health_ms > HEALTH_MS_MAX,
            f"SIGTERM took more than {ENDS_S_MAX:g} s": self.ends_s > ENDS_S_MAX,
            "exit code is not 0": self.exit_code != 0,
        }
        return [what for what, is_so in bounds.items() if is_so]


async def ask_for_status(impact: Impact, good: Sandbox, loan: str, seconds: float) -> None:
    """Status queries that leave on the dot, whether earlier ones are answered or not."""
    parts = urlsplit(good.url)
    line = RawClient(str(parts.hostname), parts.port or 80)
    ask = request("GET", f"/v1/loans/{loan}", {"Host": "127.0.0.1", **good.headers})
    start, took = time.perf_counter(), []

    async def one(n: int) -> None:
        due = start + n / RATE
        await asyncio.sleep(due - time.perf_counter())
        if await line.ask(ask) == 200:
            took.append((time.perf_counter() - due) * 1000)
        else:
            impact.failed += 1

    await asyncio.gather(*(one(n) for n in range(int(RATE * seconds))))
    line.close()
    impact.why = dict(line.why)
    took.sort()
    if took:
        impact.p50_ms, impact.p99_ms = percentile(took, 0.5), percentile(took, 0.99)


def pay(impact: Impact, good: Sandbox, loan: str, until_s: float) -> None:
    """Wallet payments, one after another: how late each settles."""
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
    """Health, five times a second, on a new connection each time."""
    while time.monotonic() < until_s:
        began = time.monotonic()
        try:
            ok = requests.get(f"{url}/-/health", timeout=10).status_code == 200
        except requests.RequestException:
            ok = False
        impact.health_ms = max(impact.health_ms, (time.monotonic() - began) * 1000 if ok else 10_000)
        time.sleep(0.2)


@contextmanager
def misbehaving(way: Callable[[Troubles], None], url: str) -> Iterator[None]:
    """A block in which somebody misbehaves: another process, so that it does not disturb whoever measures.

    It gives way to both of the others where there are fewer processors than that.
    """
    ours, theirs = multiprocessing.Pipe()
    bad = multiprocessing.get_context("fork").Process(target=_misbehave, args=(way, url, theirs), daemon=True)
    bad.start()
    theirs.close()
    try:
        if not ours.poll(GETS_GOING_WITHIN_S):
            raise NotRun(f"{way.__name__} did not get going")
        ours.recv()
        yield
    except EOFError:
        raise NotRun(f"{way.__name__} could not be done") from None
    finally:
        with suppress(OSError):
            ours.send("over")
        bad.join(5)
        bad.kill()


def _misbehave(way: Callable[[Troubles], None], url: str, told: Connection) -> None:
    os.nice(5)
    with ExitStack() as closing:
        troubles = Troubles(url, closing)
        way(troubles)
        told.send("going")
        with suppress(EOFError):
            told.recv()
        troubles.over.set()


def notice(name: str, folder: Path, seconds: float) -> Impact:
    """Serve, misbehave, and look at what others notice."""
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
    """Run the ways that are named, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("way", nargs="*", help=f"of {', '.join(WAYS)}; all where none is named")
    parser.add_argument("--seconds", type=number(4, 600), default=SECONDS, help="how long each way lasts")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.way if name not in WAYS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(WAYS)}")
    return concluded(lambda: run_ways(options.way or list(WAYS), options.seconds, options.json), as_json=options.json)


def run_ways(ways: list[str], seconds: float, as_json: bool) -> ExitCode:
    """The verdict over these ways. It says nothing where the neighbour is too slow though nobody misbehaves."""
    observed: list[Impact] = []
    with tempfile.TemporaryDirectory(prefix="mocklend-neighbours-") as folder:
        for name in ways:
            observed.append(notice(name, Path(folder), seconds))
            if not as_json:
                print(row(observed[-1]), flush=True)
    verdict = judged(observed)
    if as_json:
        print(json.dumps({"verdict": verdict.name, "ways": [asdict(one) | {"wrong": one.wrong} for one in observed]}))
    else:
        print(verdict.name)
    return verdict


def judged(observed: list[Impact]) -> ExitCode:
    """PASS where every bound holds; INCONCLUSIVE where one does not hold with nobody misbehaving either."""
    if not any(one.wrong for one in observed):
        return ExitCode.PASS
    alone = next((one for one in observed if one.way == nothing.__name__), None)
    return ExitCode.INCONCLUSIVE if alone is not None and alone.wrong else ExitCode.FAIL


def row(impact: Impact) -> str:
    """A line of the table."""
    return (
        f"{impact.way:20} p50 {impact.p50_ms:6.1f} ms  p99 {impact.p99_ms:7.1f} ms  failed {impact.failed:3}  "
        f"settled {impact.settled:2}, late by {impact.settles_late_s:4.1f} s  health {impact.health_ms:6.1f} ms  "
        f"ended in {impact.ends_s:4.1f} s with {impact.exit_code}  {'; '.join(impact.wrong) or 'holds'}"
    )


if __name__ == "__main__":
    sys.exit(main())
