"""A reader of an event stream over a socket of its own, and a door in front of a real app for it to read from."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from granian.constants import HTTPModes, Interfaces

from mocklend.client import Doc
from mocklend.door import Door, WsgiApp
from mocklend.hosts import HostPolicy
from mocklend.serving import Server

LONG_S = 30


class Event(NamedTuple):
    """One event: its name, its id, and its data."""

    name: str
    id: int | None
    data: Doc


class Stream:
    """An open stream. Read it in order: the head was read, events and comments come."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=LONG_S)
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.connection.sendall("\r\n".join([*lines, "", ""]).encode())
        self._file = self.connection.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.headers = dict(self._header_lines())
        self._text = b""
        self.ended = False
        """Whether the last chunk has come: the answer is whole."""

    def _header_lines(self) -> Iterator[tuple[str, str]]:
        while line := self._file.readline().strip().decode():
            name, _, value = line.partition(": ")
            yield name.lower(), value

    def part(self) -> bytes:
        """The next event or comment as it was sent; empty once the stream has ended."""
        while b"\n\n" not in self._text and not self.ended:
            size = self._file.readline()
            length = int(size or b"0", 16)
            self._text += self._file.read(length)
            self._file.readline()
            self.ended = length == 0 and bool(size)
            if not size:
                break
        part, _, self._text = self._text.partition(b"\n\n")
        return part

    def events(self) -> Iterator[Event]:
        """Each event that comes, without comments."""
        while part := self.part():
            fields = dict(line.split(": ", 1) for line in part.decode().split("\n") if ": " in line)
            if "data" in fields:
                id = int(fields["id"]) if "id" in fields else None
                yield Event(fields.get("event", ""), id, json.loads(fields["data"]))

    def body(self) -> bytes:
        """The whole answer of a request that is no stream."""
        return self._file.read(int(self.headers["content-length"]))

    def close(self) -> None:
        """Go away."""
        self._file.close()
        self.connection.close()


@contextmanager
def doored(app: WsgiApp, streams_max: int, *, on_loopback: bool = True) -> Iterator[tuple[Door, int]]:
    """A door in front of an app, and its port on loopback, where others could reach it too unless `on_loopback`."""
    ready: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    door = Door(app, hosts=HostPolicy(on_loopback=on_loopback), port=port, streams_max=streams_max)

    async def serve() -> None:
        server = Server(
            door, port=port, interface=Interfaces.RSGI, http=HTTPModes.http1, websockets=False, log_enabled=False
        )
        task = asyncio.create_task(server.serve_door())
        over = asyncio.Event()
        ready.append((asyncio.get_running_loop(), over))
        up.set()
        await over.wait()
        await door.drained()
        server.stop()  # type: ignore[no-untyped-call]
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(task), 1)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert up.wait(LONG_S)
    while True:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            break
    try:
        yield door, port
    finally:
        loop, over = ready[0]
        loop.call_soon_threadsafe(over.set)
        thread.join(LONG_S)
