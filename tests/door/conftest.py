"""The door under test, and its access log where a test asks for one."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from granian.constants import HTTPModes, Interfaces

from mocklend import serving
from mocklend.access_log import AccessLog
from mocklend.door import Door
from mocklend.hosts import HostPolicy
from mocklend.serving import Server
from support.door_place import LIMITS, LONG_S, App, Place


@pytest.fixture
def access(request: pytest.FixtureRequest, tmp_path: Path) -> AccessLog | None:
    """An access log, for those who ask for one."""
    return AccessLog(str(tmp_path / "access.jsonl")) if getattr(request, "param", False) else None


@pytest.fixture
def place(access: AccessLog | None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A door with a server around it; its parameter is how many ms a client may take nothing of an answer."""
    monkeypatch.setattr(serving, "UNREAD_DEADLINE_MS", getattr(request, "param", serving.UNREAD_DEADLINE_MS))
    app = App()
    ready: list[Any] = []
    up = threading.Event()

    async def serve() -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        door = Door(app, hosts=HostPolicy(on_loopback=True), port=port, limits=LIMITS, access=access)
        server = Server(door, port=port, interface=Interfaces.RSGI, http=HTTPModes.http1, websockets=False,
                        log_enabled=False)  # fmt: skip
        task = asyncio.create_task(server.serve_door())
        over = asyncio.Event()
        ready.extend((Place(app, door, port, asyncio.get_running_loop()), over))
        up.set()
        await over.wait()
        server.stop()  # type: ignore[no-untyped-call]
        with suppress(TimeoutError):
            await asyncio.wait_for(task, LONG_S)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert up.wait(LONG_S)
    place_ready: Place = ready[0]
    while True:
        with suppress(ConnectionRefusedError):
            if place_ready.ask("GET", "/-/health")[0] == 200:
                break
    app.seen.clear()
    yield place_ready
    app.left.set()
    for connection in place_ready.open:
        connection.close()
    place_ready.loop.call_soon_threadsafe(ready[1].set)
    thread.join(LONG_S)
