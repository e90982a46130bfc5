"""A server in a process of its own: started as a user starts it, and killed or stopped from outside.

Its address is the one that it prints, so the port is chosen by the system. It gets a process group of its own, so that
a kill reaches all processes that the server has started, and no others.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tool import CutShort, Failed, NotRun

FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""The signals by which people and other programs end a process; any other end is a failure of the process."""
UP_WITHIN_S = 30.0
"""How long a start may take, for each process of the server: they start on the same cores."""
DOWN_WITHIN_S = 40.0
"""A server may take 30 s to end, so the wait is longer."""


class ServerFailed(NotRun):
    """The server did not start in time. The message has the end of its log."""


class Server:
    """One run of `mocklend serve` on a database. The package `without` is hidden from it, as if it were not installed.

    `env` is added to its environment. With `core` it is kept on that core of the machine. It serves with so many
    `workers`, which are processes.
    """

    def __init__(
        self,
        database: str,
        log: Path,
        *,
        without: str | None = None,
        env: Mapping[str, str] | None = None,
        core: int | None = None,
        workers: int = 1,
    ) -> None:
        self._log = log
        began = time.monotonic()
        with log.open("ab") as log_file:
            self._process = subprocess.Popen(
                [
                    *on_core(core),
                    sys.executable,
                    *_run(without),
                    "serve",
                    "--port",
                    "0",
                    "--database",
                    database,
                    "--workers",
                    str(workers),
                    "--json",
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log_file,
                start_new_session=True,
                env={**os.environ, **(env or {})},
            )
        try:
            self.url = str(self._first_line(UP_WITHIN_S * workers)["url"])
        except BaseException:
            self.kill()
            raise
        self.up_in_s = time.monotonic() - began

    def _first_line(self, within_s: float) -> dict[str, Any]:
        out = self._process.stdout
        assert out is not None
        readable, _, _ = select.select([out], [], [], within_s)
        line = out.readline() if readable else b""
        try:
            ready: dict[str, Any] = json.loads(line)
        except ValueError:
            raise ServerFailed(f"it printed {line!r} and no address; its log ends with\n{self.log_end()}") from None
        return ready

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    def kill(self) -> None:
        """Send SIGKILL to its whole process group."""
        if self._process.poll() is None or self._is_group_left():
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close()

    def stop(self) -> int:
        """Send SIGTERM and return its exit code. No process of its group is left afterwards."""
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(DOWN_WITHIN_S)
        except subprocess.TimeoutExpired:
            code = -int(signal.SIGKILL)
        if self._is_group_left():
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close()
        return code

    @property
    def is_up(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    def gone(self, within_s: float = 0.0) -> NotRun | CutShort | Failed | None:
        """An exception with the reason why the server has ended; None if it is still running after `within_s`."""
        try:
            code = self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return None
        if code == 0 or -code in FROM_OUTSIDE:
            return CutShort(f"the server ended before the run: {ended_with(code)}, so it was stopped from outside")
        return Failed(f"the server ended before the run: {ended_with(code)}; its log ends with\n{self.log_end()}")

    def log_end(self, lines: int = 20) -> str:
        """The last lines of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def _is_group_left(self) -> bool:
        try:
            os.killpg(self._process.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()


def on_core(core: int | None) -> list[str]:
    """What to put before a command, so that all its threads stay on one core."""
    return [] if core is None else ["taskset", "--cpu-list", str(core)]


def until_2xx(request: Request, what: str, *, within_s: float = UP_WITHIN_S) -> None:
    """Send a request until it is answered 2xx: who answers may not be up yet. Raises CutShort if nobody does."""
    until, why = time.monotonic() + within_s, "no answer"
    while time.monotonic() < until:
        try:
            with urlopen(request, timeout=5):
                return
        except OSError as failure:  # An answer that is not 2xx is one, too.
            why = str(failure)
            time.sleep(0.005)
    raise CutShort(f"{what} does not answer {request.get_method()} {request.full_url}: {why}")


def ended_with(code: int) -> str:
    """How a process ended, in words, from its return code in `subprocess`."""
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        return f"it was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was ended by signal {-code}"


def _run(without: str | None) -> list[str]:
    """The arguments with which Python runs Mocklend. None in `sys.modules` makes the import of a module fail."""
    if without is None:
        return ["-m", "mocklend"]
    hide = f"import runpy, sys; sys.modules[{without!r}] = None"
    return ["-c", f"{hide}; runpy.run_module('mocklend', run_name='__main__', alter_sys=True)"]
