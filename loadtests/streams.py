"""Measures what event streams cost: the API's p95 with 0 and with 100 streams, and whether memory stays flat.

It starts a server on loopback and sends loan queries at a fixed rate, whether earlier ones are answered or not, in
turns without and with streams of the same sandbox. Each turn has a p95; the medians of both sides are compared, so that
a moment in which the machine did something else decides nothing. FAIL if it rises by more than 10 %, if a row comes
more than two seconds after its end or not at all, or if the server does not end well while streams are open.
INCONCLUSIVE if requests fail without streams, or if the turns without streams differ by more than the limit.

With `--minutes` three viewers of the page Live follow a small load, and the server's memory is looked at now and then:
FAIL if the last quarter has more than 5 % above the second. The rows of a sandbox are complete after ten minutes, so a
verdict about an hour needs one.
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
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TypedDict

import psutil
from latency import AT_ONCE, TurnTimings, at_rate, peak, percentile
from raw_client import RawClient, request
from server import Server
from tool import CutShort, Failed, concluded, number, whole

from mocklend.client import Client
from mocklend.exit_codes import ExitCode
from mocklend.machine_clock import wall_ns

LOANS = 200
RATIO_MAX, BEHIND_MAX_S = 1.10, 2.0
"""The bounds: p95 with streams by p95 without, and how many seconds after its end a row may come."""
GROWTH_MAX = 1.05
"""The bound of memory: the median of the last quarter by that of the second."""
VIEWERS, VIEWED_PER_S = 3, 20
"""The streams of the page Live while memory is measured, and the requests per second: one of 100 is Live's own."""
TOGETHER = 20
"""How many streams are opened at once: a sandbox has only so many requests of the control plane under way."""
SAMPLES, SAMPLE_S = 60, 10
"""How often memory is looked at, in a run that is long enough for one look in so many seconds."""
ENDS_WITHIN_S = 5.0
"""How long a server may take to end while streams are open."""


@dataclass
class Reader(asyncio.Protocol):
    """A client of one stream: counts its rows, and how late each came, in seconds."""

    ask: bytes
    status: int = 0
    rows: int = 0
    behind_s: float = 0.0
    ended: bool = False
    _kept: bytes = b""
    _transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self.ask)

    def data_received(self, data: bytes) -> None:
        """Count what came: each row has its second as its id."""
        lines = (self._kept + data).split(b"\n")
        self._kept = lines.pop()
        for line in lines:
            if line.startswith(b"HTTP/1.1 "):
                self.status = int(line.split()[1])
            elif line.startswith(b"id: "):
                self.rows += 1
                self.behind_s = max(self.behind_s, wall_ns() / 1e9 - int(line[4:]) - 1)

    def begin(self) -> None:
        """Count from now on: the first rows are those that were kept, which are older than the stream."""
        self.rows, self.behind_s = 0, 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream has ended."""
        self.ended = True

    def close(self) -> None:
        """Go away."""
        if self._transport is not None:
            self._transport.close()


@dataclass
class Side:
    """What was measured in the turns of one side."""

    p95_ms: list[float] = field(default_factory=list)
    failed: int = 0

    def add(self, timings: TurnTimings) -> float:
        """Add a turn. Returns its p95."""
        p95_ms = percentile(sorted(timings.took_ms), 0.95)
        self.p95_ms.append(p95_ms)
        self.failed += timings.failed
        return p95_ms


class Streamed(TypedDict):
    """The p95 without and with streams (ms), their ratio, and what the streams got."""

    verdict: str
    streams: int
    rate_per_s: int
    without_p95_ms: float
    with_p95_ms: float
    ratio: float
    spread: float
    behind_s: float
    failed: int


class Memory(TypedDict):
    """The server's memory in MB while Live was open."""

    verdict: str
    minutes: float
    second_quarter_mb: float
    last_quarter_mb: float
    samples_mb: list[float]


def compared(without: Side, with_streams: Side, streams: int, rate: float, behind_s: float) -> Streamed:
    """Compare both sides. Pure."""
    medians = [median(side.p95_ms) for side in (without, with_streams)]
    ratio = medians[1] / medians[0] if medians[0] else 0.0
    spread = _spread(without.p95_ms)
    if behind_s > BEHIND_MAX_S or with_streams.failed > without.failed:
        verdict = ExitCode.FAIL
    elif not ratio or without.failed or spread > RATIO_MAX:
        verdict = ExitCode.INCONCLUSIVE  # A side that differs from itself says nothing about the other.
    else:
        verdict = ExitCode.PASS if ratio <= RATIO_MAX else ExitCode.FAIL
    return {
        "verdict": verdict.name,
        "streams": streams,
        "rate_per_s": round(rate),
        "without_p95_ms": round(medians[0], 3),
        "with_p95_ms": round(medians[1], 3),
        "ratio": round(ratio, 3),
        "spread": round(spread, 3),
        "behind_s": round(behind_s, 2),
        "failed": without.failed + with_streams.failed,
    }


def _spread(values: Sequence[float]) -> float:
    """The third quartile by the first."""
    if len(values) < 2:
        return 1.0
    low, _, high = quantiles(values, n=4, method="inclusive")
    return high / low if low else float("inf")


def flat(samples_mb: Sequence[float], minutes: float) -> Memory:
    """Whether memory stayed flat: the last quarter of the samples beside the second. Pure."""
    quarter = max(1, len(samples_mb) // 4)
    second, last = (median(part) for part in (samples_mb[quarter : 2 * quarter] or samples_mb, samples_mb[-quarter:]))
    return {
        "verdict": (ExitCode.PASS if last <= second * GROWTH_MAX else ExitCode.FAIL).name,
        "minutes": minutes,
        "second_quarter_mb": round(second, 1),
        "last_quarter_mb": round(last, 1),
        "samples_mb": [round(sample, 1) for sample in samples_mb],
    }


async def opened(host: str, port: int, asks: Sequence[bytes]) -> list[Reader]:
    """Open streams, some at a time, and wait for the heads of their answers. Raises CutShort if one is refused."""
    loop = asyncio.get_running_loop()
    readers: list[Reader] = []
    for first in range(0, len(asks), TOGETHER):
        some = [Reader(ask) for ask in asks[first : first + TOGETHER]]
        for reader in some:
            await loop.create_connection(partial(_itself, reader), host, port)
        until = time.monotonic() + 10
        while not all(reader.status for reader in some) and time.monotonic() < until:
            await asyncio.sleep(0.02)
        readers += some
    wrong = [reader.status for reader in readers if reader.status != 200]
    if wrong:
        raise CutShort(f"{len(wrong)} of {len(readers)} streams were refused: {wrong[0] or 'no answer'}")
    return readers


def _itself(reader: Reader) -> Reader:
    return reader


class Run:
    """A server with a sandbox of loans, and the requests that are sent to it."""

    def __init__(self, server: Server, options: argparse.Namespace) -> None:
        self.options = options
        self.pid = server.pid
        self._host, _, port = server.url.removeprefix("http://").rpartition(":")
        self._port = int(port)
        with Client(server.url) as anyone:
            client = anyone.sandbox(seed=7, now="2026-01-05T02:00:00Z")
        ada = client.add_borrower("ada", "Ada", credit_limit_minor=10**12)["id"]
        loans = [client.borrow(ada, 100_000, product_id="jiebei-like")["id"] for _ in range(LOANS)]
        self._headers = {"Host": f"{self._host}:{port}", "Authorization": f"Bearer {client.api_key}"}
        self._live = f"/console/{client.summary()['sandbox_id']}/live"
        # Every second query is answered by the app and its threads, and not on the server's own thread.
        self.asks = [
            request("GET", f"/v1/loans/{id}{'/instalments' if n % 2 else ''}", self._headers)
            for n, id in enumerate(loans)
        ]

    async def streams(self, count: int, path: str = "/-/live/stream") -> list[Reader]:
        """Open so many streams of the sandbox."""
        return await opened(self._host, self._port, [request("GET", path, self._headers)] * count)

    async def compare(self) -> Streamed:
        """The turns without and with streams, and what both sides had."""
        options, line = self.options, RawClient(self._host, self._port)
        await peak(line, self.asks, 1, min(2, options.seconds))  # Warms the server up.
        best = max([await peak(line, self.asks, clients, min(3, options.seconds)) for clients in AT_ONCE])
        rate = options.rate or best / 2
        _say(options, f"peak {best:.0f} requests per second, sending {rate:.0f}")
        without, with_streams, behind_s = Side(), Side(), 0.0
        for turn in range(options.turns):
            # The order changes from turn to turn, so that a machine that slows down favours neither side.
            for streams in (0, options.streams) if turn % 2 else (options.streams, 0):
                readers = await self.streams(streams)
                await at_rate(line, self.asks, rate, 1)
                for reader in readers:
                    reader.begin()
                p95_ms = (with_streams if streams else without).add(
                    await at_rate(line, self.asks, rate, options.seconds)
                )
                for reader in readers:
                    missing_s = options.seconds - 1 - reader.rows
                    behind_s = max(behind_s, reader.behind_s, missing_s)
                    reader.close()
                _say(options, f"{streams:4} streams: p95 {p95_ms:.2f} ms")
        line.close()
        return compared(without, with_streams, options.streams, rate, behind_s)

    async def watch_memory(self) -> Memory:
        """The server's memory while viewers follow a small load."""
        process, line = psutil.Process(self.pid), RawClient(self._host, self._port)
        readers = await self.streams(VIEWERS, f"{self._live}/events")
        asks = [request("GET", f"{self._live}/wrong", self._headers), *self.asks[:99]]
        looks = max(8, min(SAMPLES, int(self.options.minutes * 60 / SAMPLE_S)))
        every_s = self.options.minutes * 60 / looks
        samples: list[float] = []
        for _ in range(looks):
            await at_rate(line, asks, VIEWED_PER_S, max(0.1, every_s - 1))
            samples.append(process.memory_info().rss / 1024**2)
            if len(samples) % 10 == 0:
                _say(self.options, f"{len(samples) * every_s / 60:5.1f} min: {samples[-1]:.1f} MB")
        rows, ended = min(reader.rows for reader in readers), any(reader.ended for reader in readers)
        for reader in readers:
            reader.close()
        line.close()
        memory = flat(samples, self.options.minutes)
        if ended or rows < self.options.minutes * 60 * 0.9:
            raise CutShort(f"a stream ended, or had {rows} rows only")
        return memory

    async def end_while_open(self, server: Server) -> float:
        """Stop the server while streams are open. Returns the seconds that it took; raises Failed if it ends badly."""
        readers = await self.streams(self.options.streams)
        began = time.monotonic()
        code = await asyncio.to_thread(server.stop)
        took_s = time.monotonic() - began
        await asyncio.sleep(0.1)
        if code or not all(reader.ended for reader in readers):
            raise Failed(f"with open streams the server ended with {code}, or left one open")
        return took_s


class StreamsReport(TypedDict):
    """The whole measurement."""

    verdict: str
    streams: Streamed
    memory: Memory | None
    ended_in_s: float


async def measured(server: Server, options: argparse.Namespace) -> StreamsReport:
    """Measure everything that the options ask for."""
    run = Run(server, options)
    streams = await run.compare()
    memory = await run.watch_memory() if options.minutes else None
    ended_in_s = await run.end_while_open(server)
    verdicts = [streams["verdict"], *([memory["verdict"]] if memory else [])]
    if ended_in_s > ENDS_WITHIN_S:
        verdicts.append(ExitCode.FAIL.name)
    worst = next((code.name for code in (ExitCode.FAIL, ExitCode.INCONCLUSIVE) if code.name in verdicts), "PASS")
    return {"verdict": worst, "streams": streams, "memory": memory, "ended_in_s": round(ended_in_s, 2)}


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Print a line per turn and the comparison, or one JSON document; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/streams", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=whole(1, 5_000), default=100, help="how many are open (default: %(default)s)")
    parser.add_argument("--rate", type=number(1, 100_000), help="requests per second (default: half of the peak)")
    parser.add_argument("--seconds", type=number(2, 3_600), default=8.0, help="per turn (default: %(default)s)")
    parser.add_argument("--turns", type=whole(1, 1_000), default=6, help="without and with (default: %(default)s)")
    parser.add_argument("--minutes", type=number(0, 1_440), default=0.0, help="memory with Live open (default: none)")
    parser.add_argument("--json", action="store_true", help="one document with everything")
    options = parser.parse_args(arguments)
    return concluded(lambda: _judged(options), as_json=options.json)


def _judged(options: argparse.Namespace) -> ExitCode:
    with tempfile.TemporaryDirectory(prefix="mocklend-streams-") as folder:
        most = {"MOCKLEND_LIVE_STREAMS": str(options.streams + VIEWERS)}
        server = Server(str(Path(folder, "mocklend.db")), Path(folder, "server.log"), env=most)
        try:
            report = asyncio.run(measured(server, options))
        finally:
            server.kill()
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        streams, memory = report["streams"], report["memory"]
        p95 = (
            "p95 {without_p95_ms} ms without, {with_p95_ms} ms with {streams} streams, {ratio} times (spread {spread})"
        )
        print(f"{report['verdict']}: {p95.format(**streams)}")
        print(f"rows at most {streams['behind_s']} s behind; it ended in {report['ended_in_s']} s with streams open")
        if memory:
            kept = "memory in {minutes} min: second quarter {second_quarter_mb} MB, last quarter {last_quarter_mb} MB"
            print(kept.format(**memory))
    return ExitCode[report["verdict"]]


def _say(options: argparse.Namespace, text: str) -> None:
    if not options.json:
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
