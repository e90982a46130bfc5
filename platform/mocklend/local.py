"""A platform of one's own: the real one, over real HTTP on loopback, in this process and gone afterwards.

        with local_platform() as url:
            client = Client(url).sandbox(seed=7)

For tests and the demo. Its books are in a temporary folder and written without waiting for the disk: there is
nothing in them to lose. Manual clocks only: nothing ticks here. The fault layer takes part where installed.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

THREADS = 8
STOPS_WITHIN_S = 10
"""So long the end of the block waits for the server: a test that has broken its thread must not hold up the run."""


@dataclass(frozen=True, slots=True)
class Local:
    """A platform in this process: its address, and the WSGI app behind it."""

    url: str
    app: Any

    def ask(self, method: str, path: str, body: Any = None, api_key: str | None = None) -> tuple[int, Any]:
        """Ask the app itself: no socket, and so none of the doubles that a test may put in HTTP's place.

        The status of the answer and its JSON.
        """
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        answer = self.app.test_client().open(path, method=method, headers=headers, json=body)
        return int(answer.status_code), answer.get_json(silent=True)


@contextmanager
def local_platform() -> Iterator[str]:
    """The address of a platform that lives as long as the block."""
    with opened_platform() as local:
        yield local.url


@contextmanager
def opened_platform() -> Iterator[Local]:
    """The same, with the app behind the address."""
    # Here and not above: whoever only imports this does not pay for a web framework.
    from mocklend.app import create_app
    from mocklend.config import Settings
    from mocklend.runtime import Platform, find_layer

    with tempfile.TemporaryDirectory(prefix="mocklend-") as folder:
        database = str(Path(folder, "mocklend.db"))
        settings = Settings(database=database, durability="fast")
        platform = Platform(database, find_layer(), fast=True, receivers=settings.receivers)
        try:
            app = create_app(settings, platform)
            with _served(app) as url:
                yield Local(url, app)
        finally:
            platform.close()


@contextmanager
def _served(app: Any) -> Iterator[str]:
    from waitress import wasyncore
    from waitress.server import create_server

    sockets: dict[int, Any] = {}
    server: Any = create_server(app, map=sockets, host="127.0.0.1", port=0, threads=THREADS)
    over = threading.Event()

    def run() -> None:
        # The server's own loop ends only when the last client hangs up; ours ends when we say so.
        while not over.is_set():
            try:
                wasyncore.loop(map=sockets, use_poll=True, count=1)
            except Exception:
                # A test may have put a double in the place of what the loop needs. The next test has it back.
                over.wait(0.05)

    thread = threading.Thread(target=run, name="mocklend-local", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        over.set()
        with suppress(OSError):
            server.pull_trigger()
        thread.join(STOPS_WITHIN_S)
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets, ignore_all=True)
