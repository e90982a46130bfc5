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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

THREADS = 8


@contextmanager
def local_platform() -> Iterator[str]:
    """The address of a platform that lives as long as the block."""
    # Here and not above: whoever only imports this does not pay for a web framework.
    from mocklend.app import create_app
    from mocklend.config import Settings
    from mocklend.lender import Lender, find_layer

    with tempfile.TemporaryDirectory(prefix="mocklend-") as folder:
        database = str(Path(folder, "mocklend.db"))
        settings = Settings(database=database, durability="fast")
        lender = Lender(database, find_layer(), fast=True)
        try:
            with _served(create_app(settings, lender)) as url:
                yield url
        finally:
            lender.close()


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
            wasyncore.loop(map=sockets, use_poll=True, count=1)

    thread = threading.Thread(target=run, name="mocklend-local", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        over.set()
        server.pull_trigger()
        thread.join()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)
