"""Runs the load in a process of its own (importing Locust patches the process), watches it, and reads its report.

During the load, a line every two seconds reports the progress. Every second an audit is taken of what has changed since
the one before, and one of everything half way. If the process is ended early, by any signal, this is detected from its
exit code, or from the duration in its report.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from server import Server, ended_with
from shared_state import Settings
from tool import say

from mocklend.client import Client, Doc, ProblemError

HERE = Path(__file__).resolve().parent
EVERY_S = 2.0
START_WITHIN_S, DRAIN_WITHIN_S, END_WITHIN_S = 30, 15, 10
"""Seconds beside the time of the load: to import Locust, to answer open requests, and to write the report."""


@dataclass(slots=True)
class Load:
    """The result of a load. `cut_short` says why it ended too early; None if it did not.

    `rows` are its seconds as `GET /-/live` has them, if they were asked for.
    """

    report: Doc
    audits: list[Doc] = field(default_factory=list)
    cut_short: str | None = None
    rows: list[Doc] = field(default_factory=list)


def run_load(
    settings: Settings,
    *,
    host: str,
    users: int,
    spawn_rate: float,
    client: Client,
    server: Server,
    layer: bool,
    watch: bool = False,
) -> Load:
    """Put the load on a server until its time is over. With `watch` its seconds are kept.

    Raises what `Server.gone` returns if the server ends.
    """
    log = Path(settings.report).with_suffix(".log")
    command = [
        *(sys.executable, "-m", "locust", "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary"),
        *("--host", host, "--users", str(users), "--spawn-rate", str(spawn_rate)),
        *("--stop-timeout", str(DRAIN_WITHIN_S), "--exit-code-on-error", "0"),
        *("--loglevel", "WARNING"),
    ]
    foreign = {name for name in os.environ if name.startswith("LOCUST_")}
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    with log.open("wb") as log_file:
        locust = subprocess.Popen(
            command,
            env={**environment, **settings.to_environment()},
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=subprocess.STDOUT,
        )
    monitor = LoadMonitor(client, settings.time_s / 2, layer=layer, watch=watch)
    monitor.start()
    try:
        too_late = _watch(locust, settings, monitor, server)
    finally:
        if locust.poll() is None:
            locust.kill()
            locust.wait()
        monitor.finish()
    report, why = _report(settings, log, locust.returncode, too_late=too_late)
    return Load(report, monitor.audits, why, monitor.rows)


def _watch(locust: subprocess.Popen[bytes], settings: Settings, monitor: LoadMonitor, server: Server) -> bool:
    """Wait for the end of the load. True if it has to be killed, since it did not end in time."""
    began = time.monotonic()
    until = began + START_WITHIN_S + settings.time_s + DRAIN_WITHIN_S + END_WITHIN_S
    lines = 0
    while locust.poll() is None:
        lines += 1
        try:
            locust.wait(max(0.0, began + lines * EVERY_S - time.monotonic()))
            return False
        except subprocess.TimeoutExpired:
            pass
        if (why := server.gone()) is not None:
            raise why
        say(progress_line(time.monotonic() - began, _read(settings.progress), monitor.injections))
        if time.monotonic() > until:
            return True
    return False


def progress_line(seconds: float, progress: Mapping[str, int], injections: int | None) -> str:
    """The progress in one line. `progress` is the last document of the load's process, empty before its start."""
    if not progress:
        return f"{seconds:.0f} s: the load is about to begin"
    injected = "" if injections is None else f", {injections} injections"
    people = f"{progress['users']} users, {progress['requests']} requests, {progress['per_s']} per second"
    return f"{seconds:.0f} s: {people}, {progress['failures']} failures{injected}"


def _report(settings: Settings, log: Path, code: int, *, too_late: bool) -> tuple[Doc, str | None]:
    """The report of the load, and why it is incomplete; None if it is complete."""
    report = _read(settings.report)
    if too_late:
        why: str | None = f"the load did not end within {DRAIN_WITHIN_S + END_WITHIN_S} s of its time, and was killed"
    elif not report:
        tail = " | ".join(log.read_text(errors="replace").splitlines()[-3:])
        why = f"the load was cut short and wrote no report: {ended_with(code)}" + (
            f"; its log ends with {tail}" if tail else ""
        )
    elif report["lasted_s"] < settings.time_s:
        lasted = f"{report['lasted_s']:.0f} of {settings.time_s} s"
        why = f"the load was cut short: its process was told to stop after {lasted}"
    else:
        why = None if code == 0 else f"the load's process did not end well: {ended_with(code)}"
    if report:
        return report, why
    last = _read(settings.progress)
    figures = {"requests": last.get("requests", 0), "failures": last.get("failures", 0), "per_s": last.get("per_s", 0)}
    return {
        "operations": [],
        "total": {**figures, **dict.fromkeys(("p50_ms", "p95_ms", "p99_ms"), 0)},
        "failures": [],
        "user_errors": 0,
        "last_user_error": None,
        "users_max": last.get("users", 0),
        "explained": {},
        "refused": {},
        "unexplained": {},
    }, why


def _read(path: str) -> Doc:
    try:
        document: Doc = json.loads(Path(path).read_text())
    except (OSError, ValueError):
        return {}
    return document


class LoadMonitor(threading.Thread):
    """Polls the platform during the load: the number of injections, and an audit that continues the one before.

    One half way is of everything: no other finds injections that do not show. The monitor has a connection of its own,
    since a busy server answers slowly. A request that fails is skipped. With `watch` the seconds of the load are kept.
    """

    def __init__(self, client: Client, audit_after_s: float, *, layer: bool, watch: bool = False) -> None:
        super().__init__(name="monitor", daemon=True)
        self.audits: list[Doc] = []
        self.rows: list[Doc] = []
        self.injections: int | None = None
        self._client = Client(client.base_url, client.api_key, timeout_s=60)
        self._whole_at = time.monotonic() + audit_after_s
        self._mark: str | None = None
        self._layer, self._watch = layer, watch
        self._over = threading.Event()

    def run(self) -> None:
        """Poll until `finish`."""
        with self._client:
            while not self._over.wait(EVERY_S / 2):
                try:
                    if self._layer:
                        self.injections = sum(rule["injected"] for rule in self._client.rules()["rules"])
                    if self._watch:
                        self.watch()
                    self.audit()
                except (ProblemError, OSError):  # An error of `requests` is an OSError.
                    continue

    def watch(self) -> None:
        """Fetch the seconds since those that are known."""
        self.rows += self._client.live(self.rows[-1]["second"] if self.rows else None)["rows"]

    def audit(self) -> None:
        """Take an audit that continues the last one; the first, the one half way, and one after a refusal are whole."""
        is_half_way = time.monotonic() >= self._whole_at
        try:
            audit = self._client.audit(since=None if is_half_way else self._mark)
        except ProblemError as problem:
            if problem.code in ("mark_unknown", "mark_too_old"):
                self._mark = None
            raise
        if is_half_way:
            self._whole_at = math.inf
        self._mark = audit["mark"]
        self.audits.append(audit)

    def finish(self) -> None:
        """Stop polling, after the answer to the current request."""
        self._over.set()
        self.join(timeout=60)
