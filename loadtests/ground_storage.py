"""The parts of `scripts/ground` in which the database fails under a running server."""

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
from ground_result import PartResult
from server import Server
from tool import say

ROOT = Path(__file__).resolve().parents[1]
BEFORE_S = 2.0
"""How many seconds the load runs before the outage."""
LOCKED_S = 40.0
FULL_S = 10.0
SHORT_S = 5.0
KILLS = 5
DOWN_S = 2.0
RECOVERY_S_MAX = 5.0
CPU_MS_MAX = 25.0
REFUSED_S_MAX = 8.0
"""The request that detects the outage may be refused late; the later refusals are fast."""
LOG_LINES_MAX = 40


@contextmanager
def gone(result: PartResult, server: Server, crowd: Crowd, log: Path) -> Iterator[None]:
    """A block during which the database is unavailable: counts the answers of clients and the cost of refusals."""
    cpu, lines = cpu_s(server.pid), count_lines(log)
    crowd.gap(True)
    try:
        yield
    finally:
        crowd.gap(False)
    back = time.monotonic()
    crowd.cost_s += cpu_s(server.pid) - cpu
    recovery = crowd.written_after(back)
    result.answers = Counter(crowd.answers)
    if result.answers["503"]:
        result.cpu_ms_per_refused = round(crowd.cost_s * 1000 / result.answers["503"], 2)
        result.slowest_refused_s = round(max(crowd.refused_s), 2)
    result.log_lines = (result.log_lines or 0) + count_lines(log) - lines
    if recovery is None:
        result.fail("it did not recover by itself")
    else:
        result.recovery_s = round(max(result.recovery_s or 0.0, recovery), 2)


def conclude(result: PartResult, server: Server, crowd: Crowd, log: Path) -> None:
    """Check the final state: settled repayments, lost and doubled writes, the audit, the exit code; then judge."""
    crowd.end()
    if not crowd.settled():
        result.fail("some repayments have not settled")
    result.acknowledged = sum(map(len, crowd.acknowledged.values()))
    result.lost, result.doubled = crowd.lost_and_doubled()
    audit = crowd.audit()
    if audit["discrepancies"]:
        result.fail(f"the audit finds {len(audit['discrepancies'])} discrepancies")
    broken = [invariant["name"] for invariant in audit["invariants"] if not invariant["holds"]]
    if broken:
        result.fail(f"broken: {', '.join(broken)}")
    if (code := server.stop()) != 0:
        result.fail(f"the server ended with exit code {code} on SIGTERM")
    judge(result, log.read_text(errors="replace"))


def judge(result: PartResult, log: str) -> None:
    """Check the answers and their times, and the length of the server's log, against the bounds. Pure."""
    result.judge_answers()
    result.judge_books()
    if not result.answers["503"]:
        result.inconclusive("no request was refused during the outage")
    if result.recovery_s is not None and result.recovery_s > RECOVERY_S_MAX:
        result.fail(f"recovery took {result.recovery_s} s; the maximum is {RECOVERY_S_MAX} s")
    if result.cpu_ms_per_refused is not None and result.cpu_ms_per_refused > CPU_MS_MAX:
        result.fail(f"a refusal cost {result.cpu_ms_per_refused} ms of processor time; the maximum is {CPU_MS_MAX} ms")
    if result.slowest_refused_s is not None and result.slowest_refused_s > REFUSED_S_MAX:
        result.fail(f"a refusal took {result.slowest_refused_s} s; the maximum is {REFUSED_S_MAX} s")
    if result.log_lines is not None and result.log_lines > LOG_LINES_MAX:
        result.fail(f"the server wrote {result.log_lines} lines to its log; the maximum is {LOG_LINES_MAX}")
    if "Traceback" in log or "a request failed" in log:
        result.fail("the server logged the outage as a failure of its own")


def locked(folder: Path) -> PartResult:
    """Another connection holds the database's lock for 40 s."""

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


def disk_full(folder: Path) -> PartResult:
    """The disk, a tmpfs of 24 MB, is full for 10 s."""

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
            return PartResult("disk-full", skipped=refused)
        return _on_a_file("disk-full", folder, disk / "ground.db", filled)


def read_only(folder: Path) -> PartResult:
    """The folder of the database is mounted read-only for 5 s."""

    @contextmanager
    def shut(database: Path) -> Iterator[None]:
        with _mounted(database.parent, database.parent, "bind", "remount,bind,ro"):
            time.sleep(SHORT_S)
        yield

    disk = folder / "disk"
    disk.mkdir()
    with _mounted(disk, "tmpfs", "size=64m") as refused:
        if refused is not None:
            return PartResult("read-only", skipped=refused)
        return _on_a_file("read-only", folder, disk / "ground.db", shut)


def removed(folder: Path) -> PartResult:
    """The database's file is moved away, and back after 5 s."""

    @contextmanager
    def away(database: Path) -> Iterator[None]:
        elsewhere = database.with_name("elsewhere")
        database.rename(elsewhere)
        time.sleep(SHORT_S)
        elsewhere.rename(database)
        yield

    return _on_a_file("removed", folder, folder / "ground.db", away)


def postgresql(folder: Path) -> PartResult:
    """PostgreSQL is killed and started again, five times."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.postgresql import NotHere, own

    result, log = PartResult("postgresql"), folder / "log"
    try:
        with own() as database:
            server = Server(database.url, log)
            try:
                crowd = Crowd(server.url)
                crowd.start()
                for nth in range(1, KILLS + 1):
                    time.sleep(BEFORE_S)
                    with gone(result, server, crowd, log):
                        say(f"kill {nth} of {KILLS}")
                        database.kill()
                        time.sleep(DOWN_S)
                        database.start()
                result.figures["kills"] = KILLS
                conclude(result, server, crowd, log)
            finally:
                server.kill()
    except NotHere as reason:
        result.skipped = str(reason)
    return result


def _on_a_file(
    name: str, folder: Path, database: Path, taken: Callable[[Path], AbstractContextManager[None]]
) -> PartResult:
    """A part on SQLite: the outage lasts until the block of `taken` is entered."""
    result, log = PartResult(name), folder / "log"
    server = Server(str(database), log)
    try:
        crowd = Crowd(server.url)
        crowd.start()
        time.sleep(BEFORE_S)
        with gone(result, server, crowd, log), taken(database):
            pass
        conclude(result, server, crowd, log)
    finally:
        server.kill()
    return result


@contextmanager
def _mounted(at: Path, what: str | Path, *options: str) -> Iterator[str | None]:
    """Mount something for the duration of the block; yields the reason if that is not possible here, else None."""
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
        yield "there is no mount command here"
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(at)], check=True)


def cpu_s(pid: int) -> float:
    """The processor time that a process and its threads have used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count_lines(log: Path) -> int:
    """The lines in a server's log so far."""
    return log.read_bytes().count(b"\n")


PARTS: Mapping[str, Callable[[Path], PartResult]] = {
    "locked": locked,
    "disk-full": disk_full,
    "read-only": read_only,
    "removed": removed,
    "postgresql": postgresql,
}
