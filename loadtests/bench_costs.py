"""What `scripts/bench` measures without a ruler: what sandboxes, idle clocks and memory cost a server.

CPU time instead of elapsed time, since other programs on the machine change it less; and of all rounds the least, since
whatever disturbs only adds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import wrk
from bench_cases import ORDER, Bench
from idle_overhead import cpu_s
from server import Server
from tool import CutShort

from mocklend.scheduling.jobs import MEMORY_S

REPEATED = 200
"""How often a request is made whose CPU time is measured."""
OTHERS = 10_000
CLOCKS = 1_000
IDLE_S = 20.0
SETTLED_S = 3.0
"""How long a server rests before it counts as idle."""
BURST = 256
"""The connections of a burst."""
MB = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """A cost: how it is measured, its unit, and the most that it should be."""

    title: str
    unit: str
    goal: float
    measure: Callable[[Bench], float]


@dataclass(frozen=True)
class Asked:
    """A server that is asked over one connection."""

    pid: int
    connection: HTTPConnection

    def ask(self, method: str, path: str, body: object = None, api_key: str | None = None) -> dict[str, object]:
        """The JSON of an answer. Raises CutShort unless it is 2xx."""
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if not 200 <= answer.status < 300:
            raise CutShort(f"{method} {path} was answered {answer.status}: {content[:200]!r}")
        document: dict[str, object] = json.loads(content)
        return document

    def make_sandbox(self, mode: str = "manual") -> str:
        """Make a sandbox. Returns its API key."""
        return str(self.ask("POST", "/-/sandboxes", {"seed": 7, "clock": {"mode": mode}})["api_key"])

    def cpu_ms(self, act: Callable[[], object]) -> float:
        """The server's CPU time for one call of many, in ms, after as many that are not counted."""
        for _ in range(REPEATED):
            act()
        before = cpu_s(self.pid)
        for _ in range(REPEATED):
            act()
        return (cpu_s(self.pid) - before) * 1_000 / REPEATED


@contextmanager
def asked(bench: Bench, others: int = 0) -> Iterator[Asked]:
    """A server of its own on a new SQLite database, with so many sandboxes and room for more."""
    database = bench.folder / f"cost-{len(list(bench.folder.glob('cost-*.db')))}.db"
    with _started(database, "fast") as server:  # It does not wait for the disk.
        for _ in range(others):
            server.make_sandbox()
    with _started(database, "full") as server:
        yield server


@contextmanager
def _started(database: Path, durability: str) -> Iterator[Asked]:
    env = {"MOCKLEND_MAX_SANDBOXES": "50000", "MOCKLEND_DURABILITY": durability}
    server = Server(str(database), database.with_suffix(".log"), env=env, core=wrk.SERVER_CORE)
    try:
        with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=60)) as connection:
            server_asked = Asked(server.pid, connection)
            server_asked.ask("GET", "/v1/products")  # So that its app is built.
            yield server_asked
    finally:
        server.kill()


def sandbox(bench: Bench) -> float:
    """The CPU time of making a sandbox."""
    with asked(bench) as server:
        return server.cpu_ms(server.make_sandbox)


def reset(bench: Bench, others: int) -> float:
    """The CPU time of resetting an empty sandbox, beside others."""
    with asked(bench, others) as server:
        api_key = server.make_sandbox()
        return server.cpu_ms(lambda: server.ask("POST", "/-/reset", api_key=api_key))


def idle(bench: Bench) -> float:
    """The share of a core that clocks take that run, and in whose sandboxes nothing is due."""
    with asked(bench) as server:
        for _ in range(CLOCKS):
            server.make_sandbox("wall")
        time.sleep(SETTLED_S)
        before, began_s = cpu_s(server.pid), time.monotonic()
        time.sleep(IDLE_S)
        return (cpu_s(server.pid) - before) / (time.monotonic() - began_s)


def memory(bench: Bench) -> float:
    """The memory of a server that has nothing to do."""
    with asked(bench) as server:
        time.sleep(SETTLED_S)
        return resident_mb(server.pid)


def memory_after_burst(bench: Bench) -> float:
    """The memory of a server with loans after a burst of lists, status queries and repayments."""
    with bench.served() as served:
        loans = [f"/v1/loans/{loan}" for loan in served.loans]
        for paths, request in (
            (["/v1/loans?limit=200"], {}),
            (loans, {}),
            ([f"{path}/repayments" for path in loans], {"method": "POST", "body": ORDER}),
        ):
            wrk.load(served.url, paths, connections=BURST, seconds=bench.seconds, headers=served.headers, **request)  # type: ignore[arg-type]
        time.sleep(SETTLED_S + MEMORY_S)
        return resident_mb(served.server.pid)


def resident_mb(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / MB


COSTS: Mapping[str, Cost] = {
    "sandbox": Cost("new sandbox", "ms of CPU", 0.8, sandbox),
    "reset": Cost("reset of an empty sandbox", "ms of CPU", 1.0, lambda bench: reset(bench, 1)),
    "reset-beside": Cost(f"… beside {OTHERS:,} others", "ms of CPU", 1.0, lambda bench: reset(bench, OTHERS)),
    "idle": Cost(f"{CLOCKS:,} idle sandboxes with running clocks", "of a core", 0.03, idle),
    "memory": Cost("memory, idle", "MB", 100, memory),
    "memory-burst": Cost(f"… after a burst over {BURST} connections", "MB", 160, memory_after_burst),
}
"""By name."""
