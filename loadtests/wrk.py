"""Drives wrk, the load generator, on a core of its own: a closed loop of connections over paths, or an open loop.

wrk is a program of its own, so that what it costs does not take from the server. `scripts/bench` installs it from
Debian's packages where it may.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, convert
from server import on_core
from tool import CutShort

SCRIPT = Path(__file__).with_name("wrk.lua")
GENERATOR_CORE, SERVER_CORE = 0, 1


class Load(Struct, frozen=True):
    """What one load came to: requests per second, latencies, and how many requests failed or were not answered 2xx."""

    per_s: float
    p50_ms: float
    p99_ms: float
    requests: int
    failed: int


def load(
    url: str,
    paths: Sequence[str],
    *,
    connections: int,
    seconds: float,
    method: str = "GET",
    body: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    rate: float = 0,
) -> Load:
    """Send requests for some seconds, each connection its next one once the last is answered.

    With a `rate`, so many a second are sent, as long as a connection is free.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".paths") as listed:
        listed.write("\n".join(paths) + "\n")
        listed.flush()
        options = [f"--header={name}: {value}" for name, value in (headers or {}).items()]
        command = [
            *on_core(GENERATOR_CORE),
            *("wrk", "--threads=1", f"--connections={connections}", f"--duration={max(1, round(seconds))}s"),
            *("--timeout=30s", f"--script={SCRIPT}", *options, url, "--", method, listed.name, f"{rate:g}"),
            *([json.dumps(body)] if body is not None else []),
        ]
        ran = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
    if ran.returncode or not lines:
        raise CutShort(f"wrk left with {ran.returncode}: {(ran.stderr or ran.stdout).strip()[-300:]}")
    return convert(json.loads(lines[-1]), Load)
