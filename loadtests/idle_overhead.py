"""Measures what the fault layer costs if it does nothing: without it, with no rule, and with 100 that never match.

It compares three servers on loopback, which differ in nothing else:

        without ── the fault package is hidden from it, as if it were not installed
        idle    ── with the package, and no rule
        rules   ── with the package, and rules on every kind of fault, none of which ever matches

Each gets the same requests: four status queries to one repayment, and an advance that settles the repayments. They take
turns, `without idle rules rules idle without`, so a machine that slows down slows down all of them. A turn is measured
in real time and in processor time of its server. Each such block of turns has one ratio; the result is the median of
the ratios, with a 95 % confidence interval. The bounds are on the throughput; the processor time is for machines that
have other load.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import psutil
from raw_client import RawClient, request
from server import Server
from tool import concluded, whole

from mocklend.client import Client
from mocklend.exit_codes import ExitCode

PACKAGE = "mocklend_faults"
WITHOUT, IDLE, RULES = VARIANTS = ("without", "idle", "rules")
BOUNDS = ((IDLE, WITHOUT, 0.98), (RULES, IDLE, 0.95))
"""(variant, the variant it is compared with, the lowest allowed ratio of their throughputs)."""
LOANS = 100
AT_ONCE = 8
REPAYMENT_EVERY = 5
NOBODY = "loan_nobody"


@dataclass(frozen=True, slots=True)
class Turn:
    """The time that one turn took, and the number of failed requests."""

    wall_s: float
    cpu_s: float
    failed: int = 0

    def __add__(self, other: Turn) -> Turn:
        return Turn(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s, self.failed + other.failed)


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the blocks' ratios, and its confidence interval."""

    median: float
    low: float
    high: float

    def verdict(self, bound: float) -> ExitCode:
        """PASS if the interval is above the bound, FAIL if it is below; INCONCLUSIVE if it is on both sides."""
        if self.low >= bound:
            return ExitCode.PASS
        return ExitCode.FAIL if self.high < bound else ExitCode.INCONCLUSIVE


def ratio(values: Sequence[float]) -> Ratio:
    """The median with its 95 % confidence interval by the sign test, which assumes no distribution of the errors.

    The interval leaves out the k smallest and the k largest values: the largest k for which a binomial variable with p
    = 1/2 is at most k - 1 with a probability of at most 2.5 %. Below six values nothing is left out.
    """
    ordered, count = sorted(values), len(values)
    left_out, tail = 0, 0.0
    while (tail := tail + math.comb(count, left_out) / 2**count) <= 0.025:
        left_out += 1
    left_out = max(0, left_out - 1)
    return Ratio(statistics.median(ordered), ordered[left_out], ordered[count - 1 - left_out])


@dataclass
class Variant:
    """A server, the loans in it, and the number of requests so far."""

    server: Server
    client: Client
    loans: list[str]
    advance: bytes
    line: RawClient
    asked: int = 0

    @classmethod
    def start(cls, name: str, folder: Path, rules: int) -> Variant:
        """Start a server, and create its loans and its rules."""
        without = PACKAGE if name == WITHOUT else None
        server = Server(str(folder / f"{name}.db"), folder / f"{name}.log", without=without)
        try:
            with Client(server.url) as anyone:
                client = anyone.sandbox(seed=7, now="2026-01-05T02:00:00Z")
            ada = client.add_borrower("ada", "Ada", credit_limit_minor=10**12)["id"]
            loans = [client.borrow(ada, 10_000_000, product_id="jiebei-like")["id"] for _ in range(LOANS)]
            if name == RULES:
                kinds = [fault["id"] for fault in client.faults()["faults"]]
                for n in range(rules):
                    kind = kinds[n % len(kinds)]
                    client.arm(kind, rule_id=f"never-{n:03}", match={"entity": NOBODY})
            host, _, port = server.url.removeprefix("http://").rpartition(":")
            delay_s = max(channel["settle_delay_s"] for channel in client.channels()["channels"])
            variant = cls(server, client, loans, b"", RawClient(host, int(port)))
            variant.advance = variant._request("POST", "/-/clock/advance", {"by": delay_s + 1})
        except BaseException:
            server.stop()
            raise
        return variant

    def turn(self, requests: int) -> Turn:
        """Run the next turn. The n-th turn sends the same requests in each variant."""
        asks = [self._ask(n) for n in range(self.asked, self.asked + requests)]
        self.asked += requests
        return asyncio.run(self._work(asks))

    def _ask(self, n: int) -> bytes:
        loan = f"/v1/loans/{self.loans[n % len(self.loans)]}"
        if n % REPAYMENT_EVERY:
            return self._request("GET", loan)
        body = {"amount_minor": 1_000, "channel": "wallet", "type": "OVD_AND_CURRENT"}
        # `n % len` would repay every fifth loan only.
        loan = f"/v1/loans/{self.loans[n // REPAYMENT_EVERY % len(self.loans)]}"
        return self._request("POST", f"{loan}/repayments", body, key=f"idle-{n}")

    def _request(
        self, method: str, path: str, body: Mapping[str, object] | None = None, key: str | None = None
    ) -> bytes:
        headers = {"Host": "127.0.0.1", "Authorization": f"Bearer {self.client.api_key}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return request(method, path, headers, body)

    async def _work(self, asks: Sequence[bytes]) -> Turn:
        left, failed = iter(asks), 0

        async def client() -> None:
            nonlocal failed
            for ask in left:
                status = await self.line.ask(ask)
                failed += status not in (200, 202)

        began, cpu = time.perf_counter(), cpu_s(self.server.pid)
        await asyncio.gather(*(client() for _ in range(AT_ONCE)))
        failed += await self.line.ask(self.advance) != 200
        took = Turn(time.perf_counter() - began, cpu_s(self.server.pid) - cpu, failed)
        self.line.close()
        return took

    def rule_counts(self) -> tuple[int, int]:
        """How often its rules were evaluated, and how often they matched."""
        counts = self.client.rules()["rules"]
        return sum(count["evaluated"] for count in counts), sum(count["matched"] for count in counts)

    def stop(self) -> None:
        """Stop the server, and close the client."""
        self.client.close()
        self.server.stop()


def cpu_s(pid: int) -> float:
    """The processor time of all threads of a process, in seconds: to the nanosecond on Linux."""
    if sys.platform == "linux":
        return time.clock_gettime((~pid << 3) | 2)  # The clock that clock_getcpuclockid(3) names.
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


class Interval(TypedDict):
    """A ratio as it is printed."""

    median: float
    low: float
    high: float


class Comparison(TypedDict):
    """Two variants compared: the share of the throughput that is left, with its bound, and that of processor time."""

    of: str
    to: str
    bound: float
    verdict: str
    throughput: Interval
    cpu_verdict: str
    cpu: Interval


class RuleCounts(TypedDict):
    """How often the rules were evaluated, and how often one matched."""

    evaluated: int
    matched: int


class OverheadReport(TypedDict):
    """Everything that is printed; throughput and processor time by variant."""

    verdict: str
    blocks: int
    failed: int
    rules: RuleCounts
    requests_per_s: dict[str, int]
    cpu_us_per_request: dict[str, int]
    compared: list[Comparison]


@dataclass
class Measurements:
    """The blocks of turns, and the counters of the rules."""

    requests: int
    blocks: list[Mapping[str, Turn]] = field(default_factory=list)
    evaluated: int = 0
    matched: int = 0

    def ratios(self, kind: str, of: str, to: str) -> Ratio:
        """The ratio of `of` to `to` in throughput (`wall_s`), or in work per processor time (`cpu_s`)."""
        return ratio([getattr(block[to], kind) / getattr(block[of], kind) for block in self.blocks])

    def to_json(self) -> OverheadReport:
        """The result as a JSON document."""
        failed = sum(turn.failed for block in self.blocks for turn in block.values())
        done = 2 * self.requests
        compared = [self._compared(*bound) for bound in BOUNDS]
        verdict = max((each["verdict"] for each in compared), key=("PASS", "INCONCLUSIVE", "FAIL").index)
        if verdict != "FAIL" and (failed or self.matched or not self.evaluated):
            verdict = "INCONCLUSIVE"
        return {
            "verdict": verdict,
            "blocks": len(self.blocks),
            "failed": failed,
            "rules": {"evaluated": self.evaluated, "matched": self.matched},
            "requests_per_s": {
                name: round(statistics.median(done / block[name].wall_s for block in self.blocks)) for name in VARIANTS
            },
            "cpu_us_per_request": {
                name: round(statistics.median(block[name].cpu_s / done for block in self.blocks) * 1e6)
                for name in VARIANTS
            },
            "compared": compared,
        }

    def _compared(self, of: str, to: str, bound: float) -> Comparison:
        wall, cpu = self.ratios("wall_s", of, to), self.ratios("cpu_s", of, to)
        return {
            "of": of,
            "to": to,
            "bound": bound,
            "verdict": wall.verdict(bound).name,
            "throughput": _rounded(wall),
            "cpu_verdict": cpu.verdict(bound).name,
            "cpu": _rounded(cpu),
        }


def _rounded(ratio: Ratio) -> Interval:
    return {"median": round(ratio.median, 4), "low": round(ratio.low, 4), "high": round(ratio.high, 4)}


def measured(options: argparse.Namespace) -> Measurements:
    """Measure blocks of turns on several sets of servers, because processes of the same code can differ in speed."""
    measurements = Measurements(options.requests)
    os.environ.setdefault("PYTHONHASHSEED", "0")  # The servers' dictionaries then have the same layout.
    for start in range(options.starts):
        with ExitStack() as servers, tempfile.TemporaryDirectory(prefix="mocklend-idle-") as folder:
            variants: dict[str, Variant] = {}
            for name in VARIANTS:
                variants[name] = Variant.start(name, Path(folder), options.rules)
                servers.callback(variants[name].stop)
            for name in (*VARIANTS, *VARIANTS):
                variants[name].turn(options.requests)  # Warms the server up.
            for n in range(options.blocks):
                block: dict[str, Turn] = {}
                order = VARIANTS if n % 2 else VARIANTS[::-1]
                for name in (*order, *order[::-1]):
                    turn = variants[name].turn(options.requests)
                    block[name] = block[name] + turn if name in block else turn
                measurements.blocks.append(block)
                if not options.json and sys.stderr.isatty():
                    print(f"start {start + 1}, block {n + 1}", end="\r", file=sys.stderr, flush=True)
            evaluated, matched = variants[RULES].rule_counts()
            measurements.evaluated += evaluated
            measurements.matched += matched
    return measurements


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Print the comparison, or one JSON document, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/idle", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--starts", type=whole(1, 10_000), default=20, help="of all servers (default: %(default)s)")
    parser.add_argument(
        "--blocks", type=whole(1, 10_000), default=12, help="of six turns, per start (default: %(default)s)"
    )
    parser.add_argument("--requests", type=whole(1, 100_000), default=100, help="per turn (default: %(default)s)")
    parser.add_argument("--rules", type=whole(1, 200), default=100, help="that never match (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one document with everything")
    options = parser.parse_args(arguments)
    return concluded(lambda: _compared(options), as_json=options.json)


def _compared(options: argparse.Namespace) -> ExitCode:
    document = measured(options).to_json()
    print(json.dumps(document, indent=2) if options.json else sentences(document))
    return ExitCode[document["verdict"]]


def sentences(document: OverheadReport) -> str:
    """The result as lines for a terminal."""
    lines = [
        f"{name:8} {document['requests_per_s'][name]:6} requests per second, "
        f"{document['cpu_us_per_request'][name]:6} us of processor time per request"
        for name in VARIANTS
    ]
    for pair in document["compared"]:
        for what, interval, verdict in (
            ("throughput", pair["throughput"], pair["verdict"]),
            ("cpu", pair["cpu"], pair["cpu_verdict"]),
        ):
            value = "{median:.3f} ({low:.3f} to {high:.3f})".format(**interval)
            lines.append(f"{pair['of']:5} against {pair['to']:8} {what:10} {value}, bound {pair['bound']}: {verdict}")
    rules = document["rules"]
    lines.append(f"the rules were evaluated {rules['evaluated']} times and matched {rules['matched']} times")
    return "\n".join([*lines, f"{document['failed']} requests failed: {document['verdict']}"])


if __name__ == "__main__":
    sys.exit(main())
