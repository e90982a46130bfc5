"""What `scripts/bench --long` measures, once: how far due work falls behind, and how memory grows, under a long load.

The load is open: requests are sent at a rate, whether earlier ones were answered or not, as clients do that do not know
of each other. So a server that cannot keep up falls behind for all to see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

import wrk
from bench_cases import ORDER, Bench, Served
from bench_costs import Cost, resident_mb
from tool import CutShort

OPEN_PER_S, OPEN_S = 1_500, 120
WARM_S, LASTING_S = 300, 1_500
READS_PER_S, WRITES_PER_S = 400, 20
"""A load that a server carries for hours."""
CONNECTIONS = 256
SAMPLED_EVERY_S = 1.0
ON_WALLET = {**ORDER, "channel": "wallet"}

Load = Callable[[], wrk.Load]


def worst_age_s(bench: Bench) -> float:
    """How long the oldest due work had been due at the worst moment, with so many repayments a second."""
    with bench.served(clock="wall") as served:
        return max(_sampled(served.behind_s, _repayments(served, OPEN_PER_S, OPEN_S)))


def gained_mb(bench: Bench) -> float:
    """By how much a server's memory grows after its first minutes: the highest later sample less the highest before."""
    with bench.served(clock="wall") as served:
        size = partial(resident_mb, served.server.pid)
        warm, later = (
            max(_sampled(size, _queries(served, READS_PER_S, seconds), _repayments(served, WRITES_PER_S, seconds)))
            for seconds in (WARM_S, LASTING_S)
        )
        return later - warm


def _queries(served: Served, per_s: int, seconds: float) -> Load:
    paths = [f"/v1/loans/{loan}" for loan in served.loans]
    return partial(
        wrk.load, served.url, paths, connections=CONNECTIONS, seconds=seconds, headers=served.headers, rate=per_s
    )


def _repayments(served: Served, per_s: int, seconds: float) -> Load:
    return partial(
        wrk.load, served.url, served.repayments, connections=CONNECTIONS, seconds=seconds, method="POST",
        body=ON_WALLET, headers=served.headers, rate=per_s,
    )  # fmt: skip


def _sampled(measure: Callable[[], float], *loads: Load) -> list[float]:
    """What a measurement returned while loads ran, once a SAMPLED_EVERY_S. Raises CutShort unless all was answered."""
    samples = [measure()]
    with ThreadPoolExecutor(len(loads)) as pool:
        running = [pool.submit(load) for load in loads]
        while wait(running, SAMPLED_EVERY_S).not_done:
            samples.append(measure())
        for load in running:
            ended = load.result()
            if ended.failed:
                raise CutShort(f"{ended.failed} of {ended.requests} requests were not answered 2xx")
    return samples


LONG_COSTS: Mapping[str, Cost] = {
    "open": Cost(f"oldest due work, {OPEN_PER_S:,} repayments a second", "s", 1.0, worst_age_s),
    "memory-lasting": Cost(f"memory gained after {WARM_S // 60} minutes of load", "MB", 5.0, gained_mb),
}
"""By name."""
