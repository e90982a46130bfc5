"""What `scripts/bench` measures: rulers, and figures that name theirs.

Peers and PostgreSQL are measured only where `--peers` and `--postgresql` say so.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import quantiles
from typing import NotRequired, TypedDict
from urllib.request import Request, urlopen

import bench_audit
import wrk
from peers import PEERS
from server import Server, on_core, until_2xx
from tool import CutShort

from mocklend.client import Client

HERE = Path(__file__).resolve().parent
ORDER = {"amount_minor": 1_000, "channel": "bank_transfer", "type": "OVD_AND_CURRENT"}
LOAN = {"principal_minor": 1_000_000, "product_id": "jiebei-like"}
DELAY_MS = 20
SETTLED_AFTER_S = 3
"""Seconds until the first orders of a load on a running clock are on the books. Channel `wallet` settles after 2."""


class Measured(TypedDict):
    """One figure: how many a second, latencies in ms, and how many failed."""

    per_s: float
    p50_ms: float
    p99_ms: float
    failed: int
    behind_s: NotRequired[float]  # how long the oldest due work had been due at the end


@dataclass
class Bench:
    """Where to measure, how long a load lasts, over how many connections and loans."""

    folder: Path
    seconds: float
    connections: int
    loans: int
    peers: dict[str, dict[str, Measured]] = field(default_factory=dict)
    """By peer: how it reads and writes in this round."""

    @contextmanager
    def served(self, url: str | None = None, *, clock: str = "manual", **env: str) -> Iterator[Served]:
        """A server of its own with loans in a sandbox whose clock stands still; on an SQLite file, or a database's URL.

        With the clock `wall` it runs.

        On SQLite it is kept on one core; with PostgreSQL, which takes part of the work, it is free.
        """
        number = len(list(self.folder.glob("*.db")))
        database = self.folder / f"{number}.db"
        core = wrk.SERVER_CORE if url is None else None
        server = Server(url or str(database), self.folder / f"{number}.log", core=core, env=env)
        try:
            now = "2026-01-05T02:00:00Z" if clock == "manual" else None
            with Client(server.url) as anyone, anyone.sandbox(seed=7, clock=clock, now=now) as client:
                borrower = client.add_borrower("ada", "Ada", credit_limit_minor=10**12)["id"]
                loans = [client.borrow(borrower, 1_000_000, product_id="jiebei-like")["id"] for _ in range(self.loans)]
                if clock == "manual":
                    client.advance("PT1H")
                yield Served(self, server, database, client, borrower, loans)
        finally:
            server.kill()
            for file in self.folder.glob(f"{number}.db*"):
                file.write_bytes(b"")

    def load(self, url: str, paths: list[str], **request: object) -> Measured:
        """One load of GETs, or as `request` says."""
        return measured(
            wrk.load(url, paths, connections=self.connections, seconds=self.seconds, **request)  # type: ignore[arg-type]
        )


@dataclass(frozen=True)
class Served:
    """A server with loans."""

    bench: Bench
    server: Server
    database: Path
    client: Client
    borrower: str
    loans: list[str]

    @property
    def url(self) -> str:
        """The server's address."""
        return self.server.url

    @property
    def headers(self) -> dict[str, str]:
        """Those of the sandbox."""
        return {"Authorization": f"Bearer {self.client.api_key}"}

    def status(self) -> Measured:
        """Status queries of all loans in turn."""
        paths = [f"/v1/loans/{loan}" for loan in self.loans]
        self.warm(paths)
        return self.bench.load(self.url, paths, headers=self.headers)

    def warm(self, paths: list[str]) -> None:
        """A second of GETs that is not counted."""
        wrk.load(self.url, paths, connections=self.bench.connections, seconds=1, headers=self.headers)

    def repay(self) -> Measured:
        """Orders of repayments, that nothing settles while the clock stands still."""
        return self.bench.load(self.url, self.repayments, method="POST", body=ORDER, headers=self.headers)

    @property
    def repayments(self) -> list[str]:
        """The path of each loan's repayments."""
        return [f"/v1/loans/{loan}/repayments" for loan in self.loans]

    def borrow(self) -> Measured:
        """Loans of one borrower, paid out at once."""
        body = {"borrower_id": self.borrower, **LOAN}
        return self.bench.load(self.url, ["/v1/loans"], method="POST", body=body, headers=self.headers)

    def behind_s(self) -> float:
        """How long the oldest due work has been due."""
        with urlopen(f"{self.url}/-/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("mocklend_due_behind_seconds "))


def measured(load: wrk.Load) -> Measured:
    """A load as a figure."""
    return {"per_s": load.per_s, "p50_ms": load.p50_ms, "p99_ms": load.p99_ms, "failed": load.failed}


# --- rulers ---


def bare_flask(bench: Bench) -> Measured:
    """A constant from a bare Flask route, on the same server with 16 threads."""
    command = [*on_core(wrk.SERVER_CORE), sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"]
    options = ["--blocking-threads", "16", "--host", "127.0.0.1", "--port", "18321", "--no-log", "bare_flask:app"]
    with subprocess.Popen([*command, *options], cwd=HERE, stdout=subprocess.DEVNULL) as process:
        try:
            url = "http://127.0.0.1:18321"
            until_2xx(Request(url), "bare Flask")
            wrk.load(url, ["/"], connections=bench.connections, seconds=1)
            return bench.load(url, ["/"])
        finally:
            process.terminate()


def sqlite_loop(bench: Bench) -> Measured:
    """One thread that inserts the rows of an acknowledged repayment, one commit each."""
    with bench.served() as served:
        served.client.repay(served.loans[0], 1_000, channel="bank_transfer", type="OVD_AND_CURRENT")
        program = [sys.executable, str(HERE / "sqlite_loop.py"), str(served.database), str(bench.seconds)]
        ran = subprocess.run([*on_core(wrk.SERVER_CORE), *program], capture_output=True, text=True)
    if ran.returncode:
        raise CutShort(f"the loop on SQLite broke off: {ran.stderr[-300:]}")
    per_s = float(ran.stdout)
    return {"per_s": per_s, "p50_ms": 1_000 / per_s, "p99_ms": 0.0, "failed": 0}


def ideal_delay(bench: Bench) -> Measured:
    """What so many connections could get if each answer took the fault's delay and nothing else."""
    per_s = bench.connections * 1_000 / DELAY_MS
    return {"per_s": per_s, "p50_ms": DELAY_MS, "p99_ms": DELAY_MS, "failed": 0}


def _best_peer(bench: Bench, kind: str, durable: bool | None = None) -> Measured:
    """The most that any peer reads or writes. All peers are measured once a round."""
    if not bench.peers:
        for peer in PEERS:
            with peer.running():
                loads = {
                    name: peer.load(ask, bench.connections, bench.seconds)
                    for name, ask in (("read", peer.read), ("write", peer.write))
                }
            bench.peers[peer.name] = {name: measured(load) for name, load in loads.items()}
    asked = [peer.name for peer in PEERS if durable is None or peer.durable == durable]
    return max((bench.peers[name][kind] for name in asked), key=lambda one: one["per_s"])


def pgbench(bench: Bench) -> Measured:
    """PostgreSQL's own benchmark, TPC-B-like, with 16 clients and synchronous commits."""
    from pgbench import tpcb

    return tpcb(bench.seconds)


def _took(seconds: float, count: int) -> Measured:
    """So many things in some seconds of processor time, as a figure."""
    return {"per_s": count / seconds, "p50_ms": seconds * 1_000, "p99_ms": seconds * 1_000, "failed": 0}


def scan(bench: Bench) -> Measured:
    """The loans of which all rows that an audit reads are fetched."""
    return _took(bench_audit.scanned(bench.folder, bench.loans), bench.loans)


FLASK, LOOP, DELAY = "bare Flask", "one-thread loop on SQLite", f"{DELAY_MS} ms and nothing else"
BARE = "the same without the console's extra"
PEER_READ, PEER_DURABLE, PEER_MEMORY = (
    "fastest peer's read",
    "best peer's write to a file",
    "best peer's write in memory",
)
ROWS = "fetching the rows of an audit"
TPCB = "pgbench, TPC-B-like, 16 clients"
ONE = "the same by one process"
RULERS: Mapping[str, Callable[[Bench], Measured]] = {
    FLASK: bare_flask,
    LOOP: sqlite_loop,
    DELAY: ideal_delay,
    BARE: lambda bench: start(bench, without="babel"),
    PEER_READ: lambda bench: _best_peer(bench, "read"),
    PEER_DURABLE: lambda bench: _best_peer(bench, "write", durable=True),
    PEER_MEMORY: lambda bench: _best_peer(bench, "write", durable=False),
    TPCB: pgbench,
    ONE: lambda bench: mixed(bench, workers=1),
    ROWS: scan,
}
"""By name."""
OF_PEERS = (PEER_READ, PEER_DURABLE, PEER_MEMORY)


# --- figures ---


@dataclass(frozen=True)
class Case:
    """A figure: how it is measured, the rulers that it is divided by, and what the ratios should be."""

    title: str
    rulers: Mapping[str, float]
    """By ruler, the ratio that is the goal."""
    measure: Callable[[Bench], Measured]
    on_postgresql: bool = False


def status(bench: Bench) -> Measured:
    """Warm status queries."""
    with bench.served() as served:
        return served.status()


def status_from_sqlite(bench: Bench) -> Measured:
    """Warm status queries, each read from the database."""
    with bench.served(MOCKLEND_STATUS_PAGES="0") as served:
        return served.status()


def status_with_rule(bench: Bench) -> Measured:
    """Warm status queries while a rule is armed at another seam."""
    with bench.served() as served:
        served.client.arm("callback.dropped", probability=0.5)
        return served.status()


def status_with_latency(bench: Bench) -> Measured:
    """Warm status queries of which one in a hundred is delayed."""
    with bench.served() as served:
        served.client.arm("transport.latency", probability=0.01, delay_ms=DELAY_MS)
        return served.status()


def delayed(bench: Bench) -> Measured:
    """Status queries that are all delayed."""
    with bench.served() as served:
        served.client.arm("transport.latency", probability=1, delay_ms=DELAY_MS)
        return served.status()


def repay(bench: Bench) -> Measured:
    """Repayments acknowledged, each durable."""
    with bench.served() as served:
        return served.repay()


def borrow(bench: Bench) -> Measured:
    """Loans borrowed, each durable and on the books."""
    with bench.served() as served:
        return served.borrow()


def through(bench: Bench) -> Measured:
    """Repayments on the books while a clock runs: ordered, settled, reported by a callback and booked.

    The latencies are from the order to the books; the channel takes two seconds of it.
    """
    with bench.served(clock="wall") as served:
        load = wrk.load(
            served.url,
            served.repayments,
            connections=bench.connections,
            seconds=SETTLED_AFTER_S + bench.seconds,
            method="POST",
            body={**ORDER, "channel": "wallet"},
            headers=served.headers,
        )
        behind_s = served.behind_s()
        served.server.kill()  # It has the database for itself.
        return {**on_the_books(served.database, bench.seconds), "failed": load.failed, "behind_s": behind_s}


def on_the_books(database: Path, seconds: float) -> Measured:
    """What was booked in the seconds before the last order, from the database of a server that has ended."""
    with closing(sqlite3.connect(database)) as connection:  # Open, it would map a file that is emptied next.
        [[until_ms]] = connection.execute("SELECT MAX(created_ms) FROM repayments")
        took = connection.execute(
            "SELECT applied_ms - created_ms FROM repayments WHERE applied_ms > ? AND applied_ms <= ?",
            (until_ms - seconds * 1_000, until_ms),
        ).fetchall()
    if len(took) < 2:
        raise CutShort("no repayment was booked")
    percentiles = quantiles((ms for [ms] in took), n=100, method="inclusive")
    return {"per_s": len(took) / seconds, "p50_ms": percentiles[49], "p99_ms": percentiles[98], "failed": 0}


def start(bench: Bench, *, without: str | None = None) -> Measured:
    """From the start of the process on a database that is there, until health is answered; a package may be hidden."""
    database, log = bench.folder / "start.db", bench.folder / "start.log"
    Server(str(database), log, core=wrk.SERVER_CORE).kill()
    began = time.perf_counter()
    server = Server(str(database), log, without=without, core=wrk.SERVER_CORE)
    try:
        until_2xx(Request(f"{server.url}/-/health"), "the server")
        took_ms = (time.perf_counter() - began) * 1_000
    finally:
        server.kill()
    return {"per_s": 1_000 / took_ms, "p50_ms": took_ms, "p99_ms": took_ms, "failed": 0}


def audit(bench: Bench) -> Measured:
    """Loans audited a second of processor time; the latency is that of the whole audit."""
    return _took(bench_audit.audited(bench.folder, bench.loans), bench.loans)


def audit_since(bench: Bench) -> Measured:
    """Audits that continue from one before a thousand repayments, a second of processor time."""
    return _took(bench_audit.audited_again(bench.folder, bench.loans), 1)


def repay_on_postgresql(bench: Bench) -> Measured:
    """Repayments acknowledged by PostgreSQL, each durable."""
    from pgbench import running

    with running() as url, bench.served(url) as served:
        return served.repay()


def mixed(bench: Bench, *, workers: int) -> Measured:
    """Status queries and repayments at the same time, from half of the connections each, on PostgreSQL.

    Nothing is kept on a core: the processes, PostgreSQL and the generators share the machine.
    """
    from pgbench import running

    half = replace(bench, connections=max(1, bench.connections // 2))
    with running() as url, half.served(url, MOCKLEND_WORKERS=str(workers)) as served, ThreadPoolExecutor(2) as pool:
        paths = [f"/v1/loans/{loan}" for loan in served.loans]
        served.warm(paths)
        loads = (pool.submit(half.load, served.url, paths, headers=served.headers), pool.submit(served.repay))
        reads, writes = (load.result() for load in loads)
    return {
        "per_s": reads["per_s"] + writes["per_s"],
        "p50_ms": max(reads["p50_ms"], writes["p50_ms"]),
        "p99_ms": max(reads["p99_ms"], writes["p99_ms"]),
        "failed": reads["failed"] + writes["failed"],
    }


CASES: Mapping[str, Case] = {
    "status": Case("status query, warm", {FLASK: 3.2, PEER_READ: 3}, status),
    "status-sqlite": Case("… from SQLite, none kept in memory", {FLASK: 2.3}, status_from_sqlite),
    "status-rule": Case("… with a rule at another seam", {FLASK: 2.5}, status_with_rule),
    "status-latency": Case("… with transport.latency at 0.01", {FLASK: 0.5}, status_with_latency),
    "delayed": Case(f"{DELAY_MS} ms of delay on all", {DELAY: 0.95}, delayed),
    "repay": Case("repayments acknowledged", {LOOP: 1.2, PEER_DURABLE: 20, PEER_MEMORY: 1}, repay),
    "two-processes": Case(
        "status and repay mixed, two processes, PostgreSQL", {ONE: 1.5}, lambda bench: mixed(bench, workers=2), True
    ),
    "repay-postgresql": Case("repayments acknowledged, PostgreSQL", {TPCB: 1}, repay_on_postgresql, True),
    "through": Case("repayments carried through to the books", {}, through),
    "borrow": Case("loans borrowed", {}, borrow),
    "start": Case("start to health", {BARE: 0.95}, start),
    "audit": Case("loans audited", {ROWS: 0.25}, audit),
    "audit-since": Case(f"audit since {bench_audit.CHANGES:,} repayments", {}, audit_since),
}
