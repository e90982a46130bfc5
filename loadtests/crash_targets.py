"""What the crash test kills: a server on a file of SQLite, or one of two processes on PostgreSQL, or PostgreSQL itself.

SQLite      the server ──▶ SIGKILL ──▶ started again on its file, at another address
PostgreSQL  one of two processes ──▶ SIGKILL ──▶ the other one serves on; the killed one is replaced
            PostgreSQL ──▶ SIGKILL to all its processes ──▶ 503 with Retry-After ──▶ started again ──▶ served
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import psutil
import requests
from crash_clients import ServerAddress
from server import Server, ServerFailed
from tool import Failed, NotRun

from mocklend.client import ProblemError

if TYPE_CHECKING:
    from support.postgresql import Database

ROOT = Path(__file__).resolve().parent.parent
SERVER, PROCESS, POSTGRESQL = "server", "process", "postgresql"
"""What a kill ends: the whole server, one of its processes, or its database."""
PROCESSES = 2
KILLS_A_PLACE = 3
"""After so many kills of each of its processes a server is stopped and started again: one that dies more often within a
minute is replaced only after 30 s, and until then one process would serve."""
DOWN_S = (0.1, 1.5)
"""How long PostgreSQL stays down after a kill: (minimum, maximum) in seconds."""
REPLACED_WITHIN_S = 40.0
BACK_WITHIN_S = 20.0
POLL_S = 0.05


class Target(Protocol):
    """A server that is killed and comes back."""

    url: str
    processes: int
    epoch_s: tuple[float, float]
    """How many seconds after an epoch's first answers the kill comes: (minimum, maximum)."""
    back_s: list[float]
    """For each kill of PostgreSQL, how long after its start clients got answers again, in seconds."""

    def kills(self, chance: random.Random) -> list[str]:
        """What each kill ends, in order."""

    def strike(self, what: str, address: ServerAddress) -> None:
        """Kill it, and return when it is served again. Raises Failed if it does not come back."""

    def stop(self) -> int:
        """End it by SIGTERM; the first exit code that is not 0, if any of its servers had one."""

    def kill(self) -> None:
        """End it at once."""


class OneProcess:
    """A server on a file of SQLite."""

    processes = 1
    epoch_s = (0.1, 2.5)

    def __init__(self, folder: Path, kills: int) -> None:
        self._database, self._log = str(folder / "mocklend.db"), folder / "server.log"
        self._kills = kills
        self._server = Server(self._database, self._log)
        self.url = self._server.url
        self.back_s: list[float] = []

    def kills(self, chance: random.Random) -> list[str]:
        """Each kill ends the server."""
        return [SERVER] * self._kills

    def strike(self, what: str, address: ServerAddress) -> None:
        """Kill the server and start it again."""
        self._server.kill()
        address.shut()
        self._server = started_again(lambda: Server(self._database, self._log))
        self.url = self._server.url

    def stop(self) -> int:
        """Send SIGTERM."""
        return self._server.stop()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._server.kill()


class TwoProcesses:
    """A server of two processes on a PostgreSQL of its own."""

    processes = PROCESSES
    epoch_s = (0.1, 1.0)

    def __init__(self, folder: Path, database: Database, kills: int, server_kills: int, chance: random.Random) -> None:
        self._database, self._log = database, folder / "server.log"
        self._kills, self._server_kills, self._chance = kills, server_kills, chance
        self._exit_codes: list[int] = []
        self._places: list[psutil.Process] = []
        self._turns: list[int] = []
        self._server = self._start()
        self.url = self._server.url
        self.back_s: list[float] = []

    def kills(self, chance: random.Random) -> list[str]:
        """The kills of a process and of PostgreSQL in random order."""
        planned = [PROCESS] * self._kills + [POSTGRESQL] * self._server_kills
        chance.shuffle(planned)
        return planned

    def strike(self, what: str, address: ServerAddress) -> None:
        """Kill one of the two processes, or PostgreSQL."""
        if what == POSTGRESQL:
            self._strike_postgresql(address)
            return
        if not self._turns:
            self._turns = [*range(PROCESSES)] * KILLS_A_PLACE
            self._chance.shuffle(self._turns)
        self._strike_process(self._turns.pop(), address)
        if not self._turns:
            address.shut()
            self._exit_codes.append(self._server.stop())
            self._places = []
            self._server = started_again(self._start)
            self.url = self._server.url

    def _strike_process(self, place: int, address: ServerAddress) -> None:
        """Kill the process at a place while both serve, and wait until another one serves there."""
        self._places = self._places or self._beside([], killed=None)
        killed = self._places.pop(place)
        killed.kill()
        address.slow()
        [replacement] = self._beside(self._places, killed)
        self._places.insert(place, replacement)

    def _beside(self, known: Sequence[psutil.Process], killed: psutil.Process | None) -> list[psutil.Process]:
        """Wait until two processes serve; those of them that are not `known`. Raises Failed if it takes too long.

        A process that was `killed` has its connections for a moment more: it is not its own replacement.
        """
        until = time.monotonic() + REPLACED_WITHIN_S
        while True:
            new = [process for process in self._serving() if process not in known and process != killed]
            if len(new) + len(known) == PROCESSES:
                return new
            if (gone := self._server.gone()) is not None:
                raise gone
            if time.monotonic() > until:
                raise Failed(f"only {len(known)} of {PROCESSES} processes serve after {REPLACED_WITHIN_S:g} s")
            time.sleep(POLL_S)

    def _serving(self) -> list[psutil.Process]:
        """The processes of the server that have a connection of a client."""
        port = int(self.url.rpartition(":")[2])
        return [child for child in psutil.Process(self._server.pid).children() if has_client(child, port)]

    def _strike_postgresql(self, address: ServerAddress) -> None:
        with address.outage():
            self._database.kill()
            time.sleep(self._chance.uniform(*DOWN_S))
            self._database.start()
        began = time.monotonic()
        if not address.answered_within(BACK_WITHIN_S):
            raise Failed(f"{BACK_WITHIN_S:g} s after PostgreSQL was back, no client had got an answer")
        self.back_s.append(time.monotonic() - began)

    def _start(self) -> Server:
        return Server(self._database.url, self._log, workers=PROCESSES)

    def stop(self) -> int:
        """Send SIGTERM."""
        self._exit_codes.append(self._server.stop())
        return next((code for code in self._exit_codes if code), 0)

    def kill(self) -> None:
        """Send SIGKILL to all processes of the server."""
        self._server.kill()


def has_client(process: psutil.Process, port: int) -> bool:
    """Whether a process has accepted a connection at its server's port."""
    try:
        connections = process.net_connections(kind="tcp")
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    return any(each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port for each in connections)


def started_again(start: Callable[[], Server]) -> Server:
    """A server on the database of one that has ended. Raises Failed if it does not start."""
    try:
        return start()
    except ServerFailed as failure:
        raise Failed(f"the server did not start on its database again: {failure}") from failure


Answer = TypeVar("Answer")


def until_answered(ask: Callable[[], Answer]) -> Answer:
    """The answer to a request that changes nothing, repeated while there is no server that answers it."""
    until = time.monotonic() + BACK_WITHIN_S
    while True:
        try:
            return ask()
        except requests.ConnectionError:
            if time.monotonic() > until:
                raise
        except ProblemError as problem:
            if problem.code != "unavailable" or time.monotonic() > until:
                raise
        time.sleep(POLL_S)


@contextmanager
def opened(
    engine: str, folder: Path, *, kills: int, server_kills: int, lossy: bool, chance: random.Random
) -> Iterator[Target]:
    """A target on an engine of its own. `lossy` PostgreSQL acknowledges commits that a kill loses."""
    if engine == "sqlite":
        yield OneProcess(folder, kills)
        return
    sys.path.append(str(ROOT / "tests"))
    from support.postgresql import NotHere, own

    try:
        with own(synchronous_commit="off" if lossy else "on") as database:
            target = TwoProcesses(folder, database, kills, server_kills, chance)
            try:
                yield target
            finally:
                target.kill()
    except NotHere as why:
        raise NotRun(str(why)) from None
