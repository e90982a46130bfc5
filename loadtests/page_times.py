"""What each page of the console costs in a sandbox of many loans: the server's time and the size of the page.

    scripts/pages --loans 100000

Makes the loans, injects into some of them, runs the checks of the alerts, and asks every page of the sidebar, a loan's
and a rule's, again and again, in this process: what a browser adds is not measured. PASS if each has a p95 within the
bound and is small enough.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench_growth import Growing
from flask import url_for
from flask.testing import FlaskClient
from tool import whole

from mocklend.app import create_app
from mocklend.config import Settings
from mocklend.console.app import ENTRIES, create_console
from mocklend.exit_codes import ExitCode
from mocklend.language import Language
from mocklend.monitoring.history import checks_task
from mocklend.runtime import Platform
from mocklend.sandboxes.jobs import CHECKS
from mocklend_faults.engine.commands import PutRule
from mocklend_faults.engine.layer import FaultLayer
from mocklend_faults.engine.rules import Rule

P95_MS, BYTES = 50.0, 60 * 1024
"""The bounds: milliseconds of the server, and bytes of HTML."""
LAGS = {"fault": "cache.bounded_stale", "select": {"probability": 0.5}, "with": {"lag_s": 3600}}


@dataclass(frozen=True)
class Cost:
    """One page: its path, its p50 and p95 in milliseconds, and its greatest size in bytes."""

    path: str
    p50_ms: float
    p95_ms: float
    bytes: int

    @property
    def within(self) -> bool:
        """Whether it keeps both bounds."""
        return self.p95_ms <= P95_MS and self.bytes <= BYTES


def main(arguments: Sequence[str] | None = None, clock: Callable[[], float] = time.perf_counter) -> ExitCode:
    """Measure, print a line for each page, and return the verdict."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--loans", type=whole(1, 1_000_000), default=100_000, help="how many loans there are (100000)")
    parser.add_argument("--times", type=whole(1, 10_000), default=40, help="how often each page is asked (40)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(str(Path(folder) / "pages.db"), FaultLayer(), fast=True)
        try:
            costs = list(_costs(platform, options.loans, options.times, clock))
        finally:
            platform.close()
    if options.json:
        print(json.dumps({"loans": options.loans, "pages": [asdict(cost) for cost in costs]}))
    else:
        for cost in costs:
            took = f"p50 {cost.p50_ms:6.1f} ms  p95 {cost.p95_ms:6.1f} ms  {cost.bytes:7,} bytes"
            print(f"{cost.path:40} {took}{'' if cost.within else '  over the bound'}")
    return ExitCode.PASS if all(cost.within for cost in costs) else ExitCode.FAIL


def _costs(platform: Platform, loans: int, times: int, clock: Callable[[], float]) -> Iterator[Cost]:
    layer = platform.layer
    assert isinstance(layer, FaultLayer)
    growing = Growing(platform)
    growing.grow_to(max(1, loans - 1_000))
    platform.run(PutRule(growing.sandbox.id, Rule.from_json("slow-page", LAGS, layer.catalogue)))
    growing.grow_to(loans)
    growing.repay_us()
    platform.clocks.advance(growing.sandbox.id, growing.sandbox.sandbox_ms + 60_000)
    platform.jobs.begin(growing.sandbox.id, CHECKS, checks_task, within_s=600)
    app = create_console(platform, Settings())
    client, root = app.test_client(), f"/console/{growing.sandbox.id}"
    with app.test_request_context():
        paths = [url_for(entry.endpoint, sandbox=growing.sandbox.id) for entry in app.extensions[ENTRIES]]
    with create_app(Settings(), platform).test_client() as api:
        course = api.post("/-/classes", json={"name": "forty", "scenario": "stale-page"}).get_json()["made"]["id"]
    loan_id = growing.loans[-1]
    lists = [f"{root}/messages?tab=webhooks", f"{root}/messages?loan_id={loan_id}", f"{root}/messages?state=EXHAUSTED"]
    more = (f"{root}/loans?q=loan_a", f"{root}/loans/{loan_id}", f"{root}/rules/slow-page", f"{root}/class/{course}")
    for path in (*paths, *lists, *more):
        yield _cost(client, path, path.removeprefix(root), times, clock)


def _cost(client: FlaskClient, path: str, name: str, times: int, clock: Callable[[], float]) -> Cost:
    took_ms, size = [], 0
    for n in range(times + 2):
        language = tuple(Language)[n % 2]
        began = clock()
        answer = client.get(path, headers={"Accept-Language": language.tag})
        took_ms.append((clock() - began) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
        size = max(size, len(answer.data))
    took_ms = sorted(took_ms[2:])  # Templates and catalogues are read at the first request of each language.
    return Cost(name, took_ms[len(took_ms) // 2], took_ms[max(0, int(len(took_ms) * 0.95) - 1)], size)


if __name__ == "__main__":
    raise SystemExit(main())
