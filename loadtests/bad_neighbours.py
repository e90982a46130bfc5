"""Measures whether a sandbox that misbehaves disturbs another one: twelve ways to misbehave, one after another.

        bad sandbox      half-sent bodies, latency, a long advance, dripping receivers, a fast clock, an endless
                         pattern, large bodies, an unread export, open connections, a storm of requests,
                         audits and resets of 5,000 loans
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
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import requests
from latency import percentile
from misbehaviour import WALL, WAYS, BadClient, Sandbox, nothing
from raw_client import RawClient, request
from server import Server
from tool import NotRun, concluded, number

from mocklend.exit_codes import ExitCode

SECONDS = 6.0
RATE = 100
P99_MS_MAX = 50.0
SETTLES_LATE_S_MAX = 1.0
HEALTH_MS_MAX = 100.0
GETS_GOING_WITHIN_S = 180.0
ENDS_S_MAX = 30.0
WALLET_S = 2.0
"""How long a wallet payment takes on an idle server, in seconds."""
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
