"""An HTTP client over kept-alive connections with one request at a time each, for loads of plain requests.

Requests are bytes that are made before the measurement, so that sending costs little compared to answering.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping

TIMEOUT_S = 30
"""How many seconds to wait for an answer."""


class RawClient:
    """A pool of connections: as many as there are concurrent requests."""

    def __init__(self, host: str, port: int) -> None:
        self._at = (host, port)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.why: Counter[str] = Counter()  # failures by their reason

    async def ask(self, request: bytes) -> int | None:
        """Send a request. Returns the status of the answer; None if there was no complete answer."""
        idle = self._idle_connection()
        try:
            reader, writer = idle or await asyncio.open_connection(*self._at)
        except OSError as failure:
            self.why[f"{type(failure).__name__} when connecting"] += 1
            return None
        try:
            writer.write(request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), TIMEOUT_S)
            lines = head.lower().split(b"\r\n")
            [length] = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as failure:
            self.why[f"{type(failure).__name__} on a {'new' if idle is None else 'kept'} connection"] += 1
            writer.close()
            return None
        self._idle.append((reader, writer))
        status = int(lines[0].split()[1])
        if status != 200:
            self.why[f"status {status}"] += 1
        return status

    def _idle_connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The connection that was used last and that the server, which closes idle ones, has not closed."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    def close(self) -> None:
        """Close all connections."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()


def request(method: str, path: str, headers: dict[str, str], body: Mapping[str, object] | None = None) -> bytes:
    """The bytes of an HTTP request, with a JSON body or none."""
    content = b"" if body is None else json.dumps(body).encode()
    if body is not None:
        headers = headers | {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content
