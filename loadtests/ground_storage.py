"""The parts of `scripts/ground` in which the database gives way under a running server."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from ground_crowd import Crowd
from ground_told import Told
from server import Server
from tool import say

ROOT = Path(__file__).resolve().parents[1]
BEFORE_S = 2.0
"""So long the load is on before the ground goes."""
LOCKED_S = 40.0
FULL_S = 10.0
SHORT_S = 5.0
KILLS = 5
DOWN_S = 2.0
WAY_BACK_S_MAX = 5.0
CPU_MS_MAX = 25.0
REFUSED_S_MAX = 8.0
"""A request may be refused late where it was the one that found out; then refusals are quick."""
LOG_LINES_MAX = 40


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
    crowd.cost_s += cpu_s(server.pid) - cpu
    way_back = crowd.written_after(back)
    told.answers = Counter(crowd.answers)
    if told.answers["503"]:
        told.cpu_ms_per_refused = round(crowd.cost_s * 1000 / told.answers["503"], 2)
        told.slowest_refused_s = round(max(crowd.refused_s), 2)
    told.log_lines = (told.log_lines or 0) + count_lines(log) - lines
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
    broken = [invariant["name"] for invariant in audit["invariants"] if not invariant["holds"]]
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
        told.violation("nothing was refused while the ground was gone")
    if told.way_back_s is not None and told.way_back_s > WAY_BACK_S_MAX:
        told.fail(f"the way back took {told.way_back_s} s, and {WAY_BACK_S_MAX} s is the most")
    if told.cpu_ms_per_refused is not None and told.cpu_ms_per_refused > CPU_MS_MAX:
        told.fail(f"a refused request cost {told.cpu_ms_per_refused} ms of processor, {CPU_MS_MAX} ms is the most")
    if told.slowest_refused_s is not None and told.slowest_refused_s > REFUSED_S_MAX:
        told.fail(f"a refusal took {told.slowest_refused_s} s, and {REFUSED_S_MAX} s is the most")
    if told.log_lines is not None and told.log_lines > LOG_LINES_MAX:
        told.fail(f"the server wrote {told.log_lines} lines to its log, {LOG_LINES_MAX} is the most")
    if "Traceback" in log or "a request failed" in log:
        told.fail("the server took it for a failure of its own")


def locked(folder: Path) -> Told:
    """Another process holds the database's lock for 40 s."""

    @contextmanager
    def held(database: Path) -> Iterator[None]:
        other = sqlite3.connect(database, timeout=30, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            say(f"the lock is held for {LOCKED_S:g} s")
            time.sleep(LOCKED_S)
            other.execute("ROLLBACK")
            yield
        finally:
            other.close()

    return _on_a_file("locked", folder, folder / "ground.db", held)


def disk_full(folder: Path) -> Told:
    """Somebody fills the disk, a tmpfs of 24 MB, for 10 s; then he makes room."""

    @contextmanager
    def filled(database: Path) -> Iterator[None]:
        ballast = database.with_name("ballast")
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass
        say(f"the disk is full for {FULL_S:g} s")
        time.sleep(FULL_S)
        ballast.unlink()
        yield

    disk = folder / "disk"
    disk.mkdir()
    with _mounted(disk, "tmpfs", "size=24m") as refused:
        if refused is not None:
            return Told("disk-full", skipped=refused)
        return _on_a_file("disk-full", folder, disk / "ground.db", filled)


def read_only(folder: Path) -> Told:
    """The folder of the database becomes read-only for 5 s, by a mount above it."""

    @contextmanager
    def shut(database: Path) -> Iterator[None]:
        with _mounted(database.parent, database.parent, "bind", "remount,bind,ro"):
            time.sleep(SHORT_S)
        yield

    disk = folder / "disk"
    disk.mkdir()
    with _mounted(disk, "tmpfs", "size=64m") as refused:
        if refused is not None:
            return Told("read-only", skipped=refused)
        return _on_a_file("read-only", folder, disk / "ground.db", shut)


def removed(folder: Path) -> Told:
    """The database's file is moved away, and back after 5 s."""

    @contextmanager
    def away(database: Path) -> Iterator[None]:
        elsewhere = database.with_name("elsewhere")
        database.rename(elsewhere)
        time.sleep(SHORT_S)
        elsewhere.rename(database)
        yield

    return _on_a_file("removed", folder, folder / "ground.db", away)


def postgresql(folder: Path) -> Told:
    """PostgreSQL is killed and started again, five times."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.postgresql import NotHere, own

    told, log = Told("postgresql"), folder / "log"
    try:
        with own() as database:
            server = Server(database.url, log)
            try:
                crowd = Crowd(server.url)
                crowd.start()
                for nth in range(1, KILLS + 1):
                    time.sleep(BEFORE_S)
                    with gone(told, server, crowd, log):
                        say(f"kill {nth} of {KILLS}")
                        database.kill()
                        time.sleep(DOWN_S)
                        database.start()
                told.figures["kills"] = KILLS
                conclude(told, server, crowd, log)
            finally:
                server.kill()
    except NotHere as reason:
        told.skipped = str(reason)
    return told


def _on_a_file(name: str, folder: Path, database: Path, taken: Callable[[Path], AbstractContextManager[None]]) -> Told:
    """A part on SQLite: the ground is gone until the block of `taken` is entered."""
    told, log = Told(name), folder / "log"
    server = Server(str(database), log)
    try:
        crowd = Crowd(server.url)
        crowd.start()
        time.sleep(BEFORE_S)
        with gone(told, server, crowd, log), taken(database):
            pass
        conclude(told, server, crowd, log)
    finally:
        server.kill()
    return told


@contextmanager
def _mounted(at: Path, what: str | Path, *options: str) -> Iterator[str | None]:
    """Mount something for as long as the block; gives the reason where that is not allowed here."""
    kind = ["--types", "tmpfs"] if what == "tmpfs" else []
    mounted = False
    try:
        for option in options:
            done = subprocess.run(
                ["mount", *kind, "--options", option, str(what), str(at)], capture_output=True, text=True
            )
            if done.returncode != 0:
                yield f"a mount needs root: {done.stderr.strip()}"
                return
            mounted = True
        yield None
    except FileNotFoundError:
        yield "there is no mount here"
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(at)], check=True)


def cpu_s(pid: int) -> float:
    """Seconds of processor that a process and its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count_lines(log: Path) -> int:
    """The lines in a server's log so far."""
    return log.read_bytes().count(b"\n")


PARTS: Mapping[str, Callable[[Path], Told]] = {
    "locked": locked,
    "disk-full": disk_full,
    "read-only": read_only,
    "removed": removed,
    "postgresql": postgresql,
}
