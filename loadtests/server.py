"""A server of one's own: started as a user would start it, and killed or stopped from outside.

Its address is the one that it prints, so that a port never has to be guessed. It gets a process group of its own: a
kill then reaches whatever the server has started, and nothing else.
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

from tool import CutShort, Failed, NotRun

FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""The signals with which people and other programs end a process. Whatever else ends it, it did itself."""
UP_WITHIN_S = 30.0
DOWN_WITHIN_S = 40.0
"""A server may take 30 s to end; whoever waits for it waits longer than that."""


class ServerFailed(NotRun):
    """The server did not start, or not in time. Says the end of its log."""


class Server:
    """One run of `mocklend serve` on a database. A package can be kept from it, as if it were not installed.

    `env` is put into its environment, beside what is there.
    """

    def __init__(
        self, database: str, log: Path, *, without: str | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        began = time.monotonic()
        with log.open("ab") as written:
            self._process = subprocess.Popen(
                [sys.executable, *_run(without), "serve", "--port", "0", "--database", database, "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=written,
                start_new_session=True,
                env={**os.environ, **(env or {})},
            )
        try:
            self.url = str(self._first_line()["url"])
        except BaseException:
            self.kill()
            raise
        self.up_in_s = time.monotonic() - began

    def _first_line(self) -> dict[str, Any]:
        out = self._process.stdout
        assert out is not None
        readable, _, _ = select.select([out], [], [], UP_WITHIN_S)
        line = out.readline() if readable else b""
        try:
            said: dict[str, Any] = json.loads(line)
        except ValueError:
            raise ServerFailed(f"it said {line!r} and not where it is; its log ends with\n{self.log_end()}") from None
        return said

    @property
    def pid(self) -> int:
        """Of its process; all of its threads are in there."""
        return self._process.pid

    def kill(self) -> None:
        """No warning, no clean-up: SIGKILL to all of it."""
        if self._process.poll() is None or self._is_group_left():
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close()

    def stop(self) -> int:
        """Ask it to go (SIGTERM) and say with which code it went; None of it is left afterwards."""
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
        """Whether the process is there."""
        return self._process.poll() is None

    def gone(self, within_s: float = 0.0) -> NotRun | CutShort | Failed | None:
        """Why there is no server any more, for whoever has just missed it; None where it is there after all."""
        try:
            code = self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            return None
        if code == 0 or -code in FROM_OUTSIDE:
            return CutShort(f"the server was gone before the end: {left_with(code)}, so somebody else ended it")
        return Failed(f"the server was gone before the end: {left_with(code)}; its log ends with\n{self.log_end()}")

    def log_end(self, lines: int = 20) -> str:
        """What it wrote last."""
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


def left_with(code: int) -> str:
    """How a process ended, by its return code as `subprocess` has it."""
    if code >= 0:
        return f"it left with exit code {code}"
    try:
        return f"it was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was ended by signal {-code}"


def _run(without: str | None) -> list[str]:
    """Python's arguments that run Mocklend. None in `sys.modules` is Python's own way to say: no such module."""
    if without is None:
        return ["-m", "mocklend"]
    hide = f"import runpy, sys; sys.modules[{without!r}] = None"
    return ["-c", f"{hide}; runpy.run_module('mocklend', run_name='__main__', alter_sys=True)"]
