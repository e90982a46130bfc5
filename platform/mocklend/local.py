"""A platform in this process: the real one, over real HTTP on loopback, removed at the end of the block.

        with local_platform() as url:
            client = Client(url).sandbox(seed=7)

For tests and the demo. Its books are in a temporary folder and are written without waiting for the disk: nothing is
lost if they are. Manual clocks only: there is no ticker. The fault layer takes part if it is installed.
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
"""How long the end of the block waits for the server: a test that broke its thread must not block the run."""


@dataclass(frozen=True, slots=True)
class Local:
    """A platform in this process: its address, and the WSGI app behind it."""

    url: str
    app: Any

    def ask(self, method: str, path: str, body: Any = None, api_key: str | None = None) -> tuple[int, Any]:
        """Send a request to the app itself, without a socket. Returns the status and the JSON of the answer.

        A test may have replaced parts of HTTP by doubles; they are not used here.
        """
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        answer = self.app.test_client().open(path, method=method, headers=headers, json=body)
        return int(answer.status_code), answer.get_json(silent=True)


@contextmanager
def local_platform() -> Iterator[str]:
    """Yield the URL of a platform that lives as long as the block."""
    with opened_platform() as local:
        yield local.url


@contextmanager
def opened_platform(database: str | None = None) -> Iterator[Local]:
    """Yield the platform's URL and its WSGI app. `database`: an empty one, instead of a file in a temporary folder."""
    # Imported here, so that an import of this module does not load a web framework.
    from mocklend.app import create_app
    from mocklend.config import Settings
    from mocklend.runtime import Platform, find_layer

    with tempfile.TemporaryDirectory(prefix="mocklend-") as folder:
        database = database or str(Path(folder, "mocklend.db"))
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
    stopped = threading.Event()

    def run() -> None:
        # The server's own loop ends only when the last client disconnects; this one ends when `stopped` is set.
        while not stopped.is_set():
            try:
                wasyncore.loop(map=sockets, use_poll=True, count=1)
            except Exception:
                # A test may have replaced something that the loop needs by a double; after the test it is back.
                stopped.wait(0.05)

    thread = threading.Thread(target=run, name="mocklend-local", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        stopped.set()
        with suppress(OSError):
            server.pull_trigger()
        thread.join(STOPS_WITHIN_S)
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets, ignore_all=True)
