"""Twelve ways in which a sandbox can misbehave, and the client that does it: see `bad_neighbours`."""

from __future__ import annotations

import asyncio
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from raw_client import RawClient, request

from mocklend.client import Doc
from mocklend.domain.finding import FINDINGS_MAX

PATTERN, LETTERS = "a?" * 60 + "a" * 60, "a" * 60
LARGE = 5_000
"""Loans of a large sandbox. Each has some fifteen rows."""
FILLING = 32
"""How many loans are borrowed at once to fill it."""


class Sandbox:
    """A sandbox of a server, and the requests of its client."""

    def __init__(self, url: str, seed: int, clock: Mapping[str, object]) -> None:
        self.url = url
        created = requests.post(f"{url}/-/sandboxes", json={"seed": seed, "clock": clock}, timeout=30)
        created.raise_for_status()
        self.id = created.json()["id"]
        self.headers = {"Authorization": f"Bearer {created.json()['api_key']}"}
        self.add_borrower()

    def add_borrower(self) -> None:
        """Add the borrower of its loans: also needed after a reset."""
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


# --- the ways; each starts its requests and returns ---


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


def filled(url: str, seed: int, loans: int) -> Sandbox:
    """A sandbox with so many loans, all paid out. Raises OSError if one is refused."""
    bad = Sandbox(url, seed, MANUAL)
    fill(bad, loans)
    return bad


def fill(bad: Sandbox, loans: int) -> None:
    """Borrow so many loans and let them be paid out. Raises OSError if one is refused."""
    parts = urlsplit(bad.url)
    terms = {"borrower_id": bad.borrower, "principal_minor": 100_000, "product_id": "jiebei-like"}
    orders = iter(range(loans))

    async def client(raw: RawClient) -> None:
        for _ in orders:
            head = {"Host": "127.0.0.1", **bad.headers, "Idempotency-Key": uuid.uuid4().hex}
            status = await raw.ask(request("POST", "/v1/loans", head, terms))
            if status not in (201, 202):
                raise ConnectionError(f"a loan of a large sandbox was answered {status}")

    async def clients() -> None:
        raw = RawClient(str(parts.hostname), parts.port or 80)
        await asyncio.gather(*(client(raw) for _ in range(FILLING)))
        raw.close()

    asyncio.run(clients())
    bad.post("/-/clock/advance", by="PT1H")


def large_audits(bad_client: BadClient) -> None:
    """Four clients that audit a sandbox of 5,000 loans, again and again."""
    bad = filled(bad_client.url, 1, LARGE)
    bad_client.keep_doing(
        lambda: requests.get(f"{bad_client.url}/-/audit", headers=bad.headers, timeout=120).raise_for_status(), 4
    )


def large_resets(bad_client: BadClient) -> None:
    """A sandbox of 5,000 loans is reset and another one deleted; then one is filled and reset, again and again."""
    kept, gone = (filled(bad_client.url, seed, LARGE) for seed in (1, 3))
    to_delete = [gone]

    def empty() -> None:
        requests.post(f"{kept.url}/-/reset", headers=kept.headers, timeout=120).raise_for_status()
        while to_delete:
            last = to_delete.pop()
            requests.delete(f"{last.url}/-/sandboxes/{last.id}", headers=last.headers, timeout=120).raise_for_status()
        kept.add_borrower()
        fill(kept, LARGE // 10)

    bad_client.keep_doing(empty)


WAYS: dict[str, Callable[[BadClient], None]] = {
    way.__name__: way
    for way in (
        nothing, half_sent_bodies, latency, long_advance, dripping_receivers, fast_clock, endless_pattern, large_bodies,
        unread_export, open_connections, request_storm, large_audits, large_resets,
    )
}  # fmt: skip
