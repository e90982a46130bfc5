"""Connections to a server that are kept, and asked on one request at a time each: what a load of plain requests needs.

Requests are bytes, made before the clock runs, so that the asking costs little beside the answering.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

GIVE_UP_S = 30


class RawClient:
    """As many connections as there are requests at once."""

    def __init__(self, host: str, port: int) -> None:
        self._at = (host, port)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.why: Counter[str] = Counter()  # what went wrong, where something did

    async def ask(self, request: bytes) -> int | None:
        """The status of the answer; None where there was none, or only a part of one."""
        found = self._kept()
        kept = found is not None
        try:
            reader, writer = found or await asyncio.open_connection(*self._at)
        except OSError as failure:
            self.why[f"{type(failure).__name__} before it was asked"] += 1
            return None
        try:
            writer.write(request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), GIVE_UP_S)
            lines = head.lower().split(b"\r\n")
            [length] = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as failure:
            self.why[f"{type(failure).__name__} on a {'kept' if kept else 'new'} connection"] += 1
            writer.close()
            return None
        self._idle.append((reader, writer))
        status = int(lines[0].split()[1])
        if status != 200:
            self.why[f"status {status}"] += 1
        return status

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The connection that was used last, of those that the server has not closed since: it does when they idle."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    def close(self) -> None:
        """Hang up everywhere."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()


def request(method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None = None) -> bytes:
    """A request as it goes over the wire."""
    sent = b"" if body is None else json.dumps(body).encode()
    if body is not None:
        headers = headers | {"Content-Type": "application/json", "Content-Length": str(len(sent))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + sent
