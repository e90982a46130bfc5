"""Measures whether delayed answers slow down the others: the p99 of the others while 1 % of the answers take 5 s.

It starts a server on loopback and finds its peak rate: the best of 1 to 16 clients that send one request after another.
Then it sends loan queries at half that rate, whether earlier ones are answered or not, alternately without a fault and
with `transport.latency` armed. A request's time starts when it is due to be sent, so waiting in a queue counts. The
verdict is FAIL if the p99 of the others has doubled or one of them failed, and INCONCLUSIVE if requests failed without
any fault: then the rate itself was too high here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from raw_client import RawClient, request
from server import Server
from tool import concluded, number, whole

from mocklend.client import Client
from mocklend.exit_codes import ExitCode

LOANS = 200
START_S = 1
"""Seconds before the first request, to create all tasks: otherwise the first requests would be late."""
AT_ONCE = (1, 2, 4, 16)
"""The numbers of concurrent clients among which the peak is searched: on few cores, more may be slower."""


@dataclass
class TurnTimings:
    """The requests of one turn: how long each took, in ms, and how many failed."""

    took_ms: list[float] = field(default_factory=list)
    failed: int = 0

    def others(self, delay_ms: int) -> list[float]:
        """The times of the requests that no fault has delayed, sorted, in ms."""
        return sorted(took for took in self.took_ms if took < delay_ms)


class Comparison(TypedDict):
    """The p99 of the requests that were not delayed, without the fault and with it, in ms, and the verdict."""

    verdict: str
    late: int
    failed: int
    honest_p99_ms: float
    others_p99_ms: float
    ratio: float


class LatencyReport(Comparison):
    """The comparison, with the peak and the rate of the requests."""

    peak_per_s: int
    rate_per_s: int
    why_failed: dict[str, int]


async def peak(line: RawClient, asks: Sequence[bytes], clients: int, seconds: float) -> float:
    """The requests per second of this many clients, each of which sends one request after another."""
    until, done = time.perf_counter() + seconds, 0

    async def client(n: int) -> None:
        nonlocal done
        while time.perf_counter() < until:
            # `done += await …` would read `done` before the others add to it.
            answered = await line.ask(asks[n % len(asks)]) == 200
            done += answered
            n += clients

    await asyncio.gather(*(client(n) for n in range(clients)))
    return done / seconds


async def at_rate(line: RawClient, asks: Sequence[bytes], rate: float, seconds: float) -> TurnTimings:
    """Send requests at a fixed rate, whether earlier ones are answered or not."""
    timings, start = TurnTimings(), time.perf_counter() + START_S

    async def send(n: int) -> None:
        due = start + n / rate
        await asyncio.sleep(due - time.perf_counter())
        if await line.ask(asks[n % len(asks)]) == 200:
            timings.took_ms.append((time.perf_counter() - due) * 1000)
        else:
            timings.failed += 1

    await asyncio.gather(*(send(n) for n in range(int(rate * seconds))))
    return timings


def percentile(took: Sequence[float], share: float) -> float:
    """The percentile of sorted times; 0 if there are none."""
    return took[min(len(took) - 1, int(len(took) * share))] if took else 0.0


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Print a line per turn and the comparison, or one JSON document; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/latency", description=__doc__)
    parser.add_argument("--delay-ms", type=whole(1, 60_000), default=5_000, help="how late (default: %(default)s)")
    parser.add_argument("--percent", type=number(0, 100), default=1.0, help="of the requests (default: %(default)s)")
    parser.add_argument("--rate", type=number(1, 100_000), help="requests per second (default: half of the peak)")
    parser.add_argument("--seconds", type=number(0.1, 3_600), default=15.0, help="per turn (default: %(default)s)")
    parser.add_argument("--turns", type=whole(1, 1_000), default=2, help="with and without (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one document with everything")
    options = parser.parse_args(arguments)
    return concluded(lambda: _measured(options), as_json=options.json)


def _measured(options: argparse.Namespace) -> ExitCode:
    with tempfile.TemporaryDirectory(prefix="mocklend-latency-") as folder:
        server = Server(str(Path(folder, "mocklend.db")), Path(folder, "server.log"))
        try:
            report = asyncio.run(measured(server.url, options))
        finally:
            server.stop()
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        line = "{verdict}: p99 of the others: {honest_p99_ms} ms without, {others_p99_ms} ms with: {ratio} times"
        print(line.format(**report))
        if report["failed"]:
            print(f"failed: {report['failed']}; why: {report['why_failed']}")
    return ExitCode[report["verdict"]]


async def measured(url: str, options: argparse.Namespace) -> LatencyReport:
    """Measure the peak and the turns, and compare them."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    with Client(url) as anyone:
        client = anyone.sandbox(seed=7, now="2026-01-05T02:00:00Z")
    ada = client.add_borrower("ada", "Ada", credit_limit_minor=10**12)["id"]
    loans = [client.borrow(ada, 100_000, product_id="jiebei-like")["id"] for _ in range(LOANS)]
    headers = {"Host": host, "Authorization": f"Bearer {client.api_key}"}
    asks = [request("GET", f"/v1/loans/{id}", headers) for id in loans]
    line = RawClient(host, int(port))
    await peak(line, asks, 1, min(2, options.seconds))  # Warms the server up.
    best = max([await peak(line, asks, clients, min(3, options.seconds)) for clients in AT_ONCE])
    rate = options.rate or best / 2
    _say(options, f"peak {best:.0f} requests per second, sending {rate:.0f}")
    turns: dict[str, list[TurnTimings]] = {"without": [], "with": []}
    for _ in range(options.turns):
        for fault, done in turns.items():
            if fault == "with":
                client.arm("transport.latency", probability=options.percent / 100, delay_ms=options.delay_ms)
            else:
                client.halt()
            await at_rate(line, asks, rate, 1)
            done.append(await at_rate(line, asks, rate, options.seconds))
            others = done[-1].others(options.delay_ms)
            late = len(done[-1].took_ms) - len(others)
            p50, p99 = percentile(others, 0.5), percentile(others, 0.99)
            _say(
                options,
                f"{fault:7} the fault: p50 {p50:.1f} ms, p99 {p99:.1f} ms; {late} late, {done[-1].failed} failed",
            )
    line.close()
    return {
        **compared(turns["without"], turns["with"], options.delay_ms),
        "peak_per_s": round(best),
        "rate_per_s": round(rate),
        "why_failed": dict(line.why),
    }


def compared(without: Sequence[TurnTimings], with_fault: Sequence[TurnTimings], delay_ms: int) -> Comparison:
    """The p99 of the requests that were not delayed, without the fault and with it, in ms, and the verdict. Pure."""
    honest_ms, others_ms = (
        percentile(sorted(took for turn in turns for took in turn.others(delay_ms)), 0.99)
        for turns in (without, with_fault)
    )
    ratio = round(others_ms / honest_ms, 2) if honest_ms else 0.0
    failed, failed_honest = (sum(turn.failed for turn in turns) for turns in (with_fault, without))
    unsure = failed_honest or not honest_ms
    return {
        "verdict": "INCONCLUSIVE" if unsure else "FAIL" if ratio >= 2 or failed else "PASS",
        "late": sum(len(turn.took_ms) - len(turn.others(delay_ms)) for turn in with_fault),
        "failed": failed_honest + failed,
        "honest_p99_ms": round(honest_ms, 1),
        "others_p99_ms": round(others_ms, 1),
        "ratio": ratio,
    }


def _say(options: argparse.Namespace, text: str) -> None:
    if not options.json:
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
