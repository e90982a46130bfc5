"""The parts of `scripts/ground` in which the database gives way under a running server."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ground_crowd import Crowd
from ground_told import Told
from run import say
from server import Server

BEFORE_S = 2.0
"""So long the load is on before the ground goes."""
LOCKED_S = 40.0
WAY_BACK_MOST_S = 5.0
CPU_MOST_MS = 25.0
REFUSED_MOST_S = 8.0
"""A request may be refused late where it was the one that found out; then refusals are quick."""
LOG_LINES_MOST = 40


@contextmanager
def gone(told: Told, server: Server, crowd: Crowd, log: Path) -> Iterator[None]:
    """The time in which the ground is gone: what clients are answered, and what that costs."""
    cpu, lines = cpu_s(server.pid), count_lines(log)
    crowd.gap(True)
    try:
        yield
    finally:
        crowd.gap(False)
    back = time.monotonic()
    spent_s = cpu_s(server.pid) - cpu
    way_back = crowd.written_after(back)
    told.answers.update(crowd.answers)
    if told.answers["503"]:
        told.cpu_ms_per_refused = round(spent_s * 1000 / told.answers["503"], 2)
        told.slowest_refused_s = round(max(crowd.refused_s), 2)
    told.log_lines = count_lines(log) - lines
    if way_back is None:
        told.fail("it did not recover by itself")
    else:
        told.way_back_s = round(max(told.way_back_s or 0.0, way_back), 2)


def conclude(told: Told, server: Server, crowd: Crowd, log: Path) -> None:
    """When all is over: the books, what was due, and what it cost."""
    crowd.end()
    if not crowd.settled():
        told.fail("what was due is not worked off")
    told.acknowledged = sum(map(len, crowd.acknowledged.values()))
    told.lost, told.doubled = crowd.lost_and_doubled()
    audit = crowd.audit()
    if audit["discrepancies"]:
        told.fail(f"the audit finds {len(audit['discrepancies'])} discrepancies")
    broken = [one["name"] for one in audit["invariants"] if not one["holds"]]
    if broken:
        told.fail(f"broken: {', '.join(broken)}")
    if (code := server.stop()) != 0:
        told.fail(f"the server left with {code} when asked to stop")
    judge(told, log.read_text(errors="replace"))


def judge(told: Told, log: str) -> None:
    """What clients may be told, how fast, and what an operator may have to read. Pure."""
    told.judge_answers()
    told.judge_books()
    if not told.answers["503"]:
        told.doubt("nothing was refused while the ground was gone")
    if told.way_back_s is not None and told.way_back_s > WAY_BACK_MOST_S:
        told.fail(f"the way back took {told.way_back_s} s, and {WAY_BACK_MOST_S} s is the most")
    if told.cpu_ms_per_refused is not None and told.cpu_ms_per_refused > CPU_MOST_MS:
        told.fail(f"a refused request cost {told.cpu_ms_per_refused} ms of processor, {CPU_MOST_MS} ms is the most")
    if told.slowest_refused_s is not None and told.slowest_refused_s > REFUSED_MOST_S:
        told.fail(f"a refusal took {told.slowest_refused_s} s, and {REFUSED_MOST_S} s is the most")
    if told.log_lines is not None and told.log_lines > LOG_LINES_MOST:
        told.fail(f"the server wrote {told.log_lines} lines to its log, {LOG_LINES_MOST} is the most")
    if "Traceback" in log or "a request failed" in log:
        told.fail("the server took it for a failure of its own")


def locked(folder: Path) -> Told:
    """Another process holds the database's lock for 40 s."""
    told, database, log = Told("locked"), folder / "ground.db", folder / "log"
    server = Server(str(database), log)
    try:
        crowd = Crowd(server.url)
        crowd.start()
        time.sleep(BEFORE_S)
        other = sqlite3.connect(database, timeout=30, isolation_level=None)
        try:
            with gone(told, server, crowd, log):
                other.execute("BEGIN IMMEDIATE")
                say(f"the lock is held for {LOCKED_S:g} s")
                time.sleep(LOCKED_S)
                other.execute("ROLLBACK")
        finally:
            other.close()
        conclude(told, server, crowd, log)
    finally:
        server.kill()
    return told


def cpu_s(pid: int) -> float:
    """Seconds of processor that a process and its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count_lines(log: Path) -> int:
    """The lines in a server's log so far."""
    return log.read_bytes().count(b"\n")


PARTS: Mapping[str, Callable[[Path], Told]] = {"locked": locked}
