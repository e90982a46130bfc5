"""Long answers are complete, and a client that does not read them holds neither memory nor a thread."""

from __future__ import annotations

import json
import resource
import socket
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mocklend.access_log import AccessLog
from mocklend.door import HOLD
from support.door_place import App, Place, request, until

pytestmark = pytest.mark.security


def resident_mb() -> int:
    """How much memory this process has, in MB."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() // 1024**2


@pytest.mark.parametrize("path", ["/v1/long", "/-/long"])
def test_a_long_answer_is_complete_and_has_its_content_length(place: Place, path: str) -> None:
    connection = place.connect(request("GET", path))

    answer = b"".join(iter(lambda: connection.recv(65536), b""))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert f"content-length: {4 * 1024**2}".encode() in head.lower()
    assert body == b"x" * 4 * 1024**2


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is looked up as Linux tells it")
def test_clients_that_do_not_read_hold_no_memory_and_no_thread(place: Place) -> None:
    place.app.long_mb = 64
    place.ask("GET", "/v1/long")
    before_mb = resident_mb()

    for n in range(4):
        connection = place.connect(request("GET", "/v1/long", Authorization=f"reader-{n}"))
        assert connection.recv(12) == b"HTTP/1.1 200"
    until(lambda: place.door._clients.running == 0)

    assert resident_mb() - before_mb < 64
    assert place.ask("GET", "/v1/loans")[0] == 200


def test_a_delayed_long_answer_is_complete(place: Place) -> None:
    honest = place.app.__class__.__call__

    def late(app: App, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[HOLD] = 50
        return honest(app, environ, start_response)

    place.door._app = partial(late, place.app)

    status, body = place.ask("GET", "/v1/long")

    assert (status, len(body)) == (200, 4 * 1024**2)


def test_a_long_answer_without_disk_space_is_refused(place: Place) -> None:
    status, body = place.ask("GET", "/v1/no-room")

    assert (status, json.loads(body)["code"]) == (503, "unavailable")


@pytest.mark.parametrize("access", [True], indirect=True)
def test_a_long_answer_is_in_the_access_log_with_its_length(place: Place, access: AccessLog, tmp_path: Path) -> None:
    place.ask("GET", "/v1/long")

    access.close()

    line = json.loads((tmp_path / "access.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (line["path"], line["bytes"]) == ("/v1/long", 4 * 1024**2)


def places_taken(port: int) -> int:
    """The number of established connections of the server."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(int(line[1].split(":")[1], 16) == port and line[3] == "01" for line in lines)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system does not drop who does not read")
@pytest.mark.parametrize("place", [1_000], indirect=True)
def test_a_client_that_does_not_read_is_disconnected_and_a_slow_one_is_not(place: Place) -> None:
    place.app.long_mb = 256
    reads = place.connect(request("GET", "/v1/long"))
    place.connect(request("GET", "/v1/long"))
    until(lambda: places_taken(place.port) == 2)
    got = 0

    def one_is_left() -> bool:
        nonlocal got
        got += len(reads.recv(65536))
        return places_taken(place.port) == 1

    until(one_is_left)

    assert got < 192 * 1024**2  # It is the other one that is gone: this one has more to come than anything holds.
    got += sum(len(part) for part in iter(lambda: reads.recv(65536), b""))
    assert got > 256 * 1024**2
